/** The configuration in force: defaults, then the file, then the environment, then flags; each knows where it came from. */
import { join } from 'node:path';
import { BorealisError } from '../protocol/errors.ts';
import { readTrustedFile } from '../sys/trusted-file.ts';
import { unknownVariables } from './environment.ts';
import { checkConfig, type Problem, readText } from './file.ts';
import {
  type Config,
  environmentName,
  SETTING_KEYS,
  SETTINGS,
  type SettingKey,
  type SettingSource,
} from './settings.ts';

export interface Loaded {
  readonly config: Config;
  readonly sources: Readonly<Record<SettingKey, SettingSource>>;
  /** The file, whether or not it exists yet. */
  readonly file: string;
  /** Variables that look like a setting and are none: to be told, not refused. */
  readonly unknown: readonly Problem[];
}

export interface Origins {
  readonly state: string;
  /** Path given by flag or BOREALIS_CONFIG; it must exist then. `borealisd.toml` in the state directory otherwise. */
  readonly file?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly flags: Partial<Record<SettingKey, string>>;
}

/** Errors: CONFIG_INVALID with each mistake's line, key and nearest valid key in the detail. */
export const loadConfig = (origins: Origins): Loaded => {
  const file = origins.file ?? join(origins.state, 'borealisd.toml');
  const checked = checkConfig(readConfigFile(file, origins.file !== undefined));
  const problems = [...checked.problems];
  const values: Partial<Record<SettingKey, unknown>> = { ...checked.values };
  const sources = {} as Record<SettingKey, SettingSource>;
  for (const key of SETTING_KEYS) {
    sources[key] = key in values ? 'file' : 'default';
    const candidates = [
      ['environment', origins.env[environmentName(key)], environmentName(key)],
      ['flag', origins.flags[key], `--${key.replaceAll('_', '-')}`],
    ] as const;
    for (const [source, text, name] of candidates) {
      if (text === undefined || (source === 'environment' && text === '')) continue;
      const read = readText(key, text);
      if ('problem' in read) {
        problems.push({ line: null, key: name, message: read.problem, nearest: null });
        continue;
      }
      values[key] = read.value;
      sources[key] = source;
    }
    if (!(key in values)) values[key] = SETTINGS[key].schema.parse(undefined);
  }
  if (problems.length > 0) {
    throw new BorealisError('CONFIG_INVALID', {
      detail: problems.map((problem) => describeProblem(problem, file)).join(' '),
      next: `Correct it, then: borealisctl config check ${file}`,
    });
  }
  return { config: values as Config, sources, file, unknown: unknownVariables(origins.env) };
};

export const describeProblem = (problem: Problem, file: string): string => {
  const where = problem.line === null ? '' : `${file}, line ${problem.line}: `;
  const meant = problem.nearest ? ` (did you mean ${problem.nearest}?)` : '';
  return `${where}${problem.key ?? ''}${problem.key ? ': ' : ''}${problem.message}${meant}.`;
};

const readConfigFile = (file: string, mustExist: boolean): string => {
  try {
    return readTrustedFile(file);
  } catch (error) {
    if (!mustExist && (error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    if (error instanceof BorealisError) throw error;
    throw new BorealisError('CONFIG_INVALID', {
      detail: `${file} cannot be read: ${(error as Error).message}.`,
      cause: error,
    });
  }
};
