/** The TOML file: checked as a whole, each mistake with its line; changed one line at a time, comments kept. */
import { parse, stringify, TomlError } from 'smol-toml';
import type { z } from 'zod';
import { issueWords } from '../protocol/issue-words.ts';
import { environmentName, isSettingKey, nearestKey, SETTINGS, type SettingKey } from './settings.ts';

export interface Problem {
  /** From 1; null where the mistake is not in a file. */
  readonly line: number | null;
  readonly key: string | null;
  readonly message: string;
  /** The valid key that was probably meant. */
  readonly nearest: string | null;
}

export interface Checked {
  readonly values: Partial<Record<SettingKey, unknown>>;
  readonly problems: readonly Problem[];
}

const lineOf = (text: string, key: string): number | null => {
  const index = text.split('\n').findIndex((line) => {
    const name = /^\s*(?:\[+\s*)?["']?([^\s"'=\].]+)["']?/.exec(line)?.[1];
    return name === key && !line.trimStart().startsWith('#');
  });
  return index < 0 ? null : index + 1;
};

/** Parses and checks a whole file. Never throws: what is wrong is in `problems`, in the order of the file. */
export const checkConfig = (text: string): Checked => {
  let table: Record<string, unknown>;
  try {
    table = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const message = error.message.split('\n')[0]!.replace(/^Invalid TOML document: /, '');
    const key = /^\s*([\w-]+)\s*=/.exec(text.split('\n')[error.line - 1] ?? '')?.[1] ?? null;
    return {
      values: {},
      problems: [{ line: error.line, key, message: `not valid TOML: ${message}`, nearest: null }],
    };
  }
  const values: Partial<Record<SettingKey, unknown>> = {};
  const problems: Problem[] = [];
  for (const [key, value] of Object.entries(table)) {
    const line = lineOf(text, key);
    if (!isSettingKey(key)) {
      problems.push({ line, key, ...unknown(key, value) });
      continue;
    }
    const parsed = SETTINGS[key].schema.safeParse(value);
    if (parsed.success) values[key] = parsed.data;
    else problems.push({ line, key, message: sentence(parsed.error.issues), nearest: null });
  }
  return { values, problems: problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)) };
};

/** Most others' files have sections: `port` below `[tunnel]` is then meant as `tunnel_port`, `listen` as itself. */
const unknown = (key: string, value: unknown): Pick<Problem, 'message' | 'nearest'> => {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Date)
    return { message: 'there is no such setting', nearest: nearestKey(key) ?? null };
  const meant = Object.keys(value).flatMap((name) => [`${key}_${name}`, name]);
  return {
    message: 'there are no sections: each setting stands by itself',
    nearest: meant.find(isSettingKey) ?? nearestKey(key) ?? null,
  };
};

export const sentence = (issues: readonly z.core.$ZodIssue[]): string => issues.map(issueWords).join('; ');

/** Text from the environment or a flag: numbers and switches are read as such where the setting wants them. */
export const readText = (key: SettingKey, text: string): { value: unknown } | { problem: string } => {
  const { schema } = SETTINGS[key];
  const switches: Readonly<Record<string, boolean>> = { true: true, false: false };
  const number = /^-?\d+(\.\d+)?$/.test(text) ? [Number(text)] : [];
  for (const candidate of [text, ...number, ...(text in switches ? [switches[text]] : [])]) {
    const parsed = schema.safeParse(candidate);
    if (parsed.success) return { value: parsed.data };
  }
  return {
    problem: sentence(schema.safeParse(/^-?\d+$/.test(text) ? Number(text) : text).error?.issues ?? []),
  };
};

/** The text with `key` set to `value`: its line replaced, or a line added; everything else stays as it was. */
export const withSetting = (text: string, key: SettingKey, value: unknown): string => {
  const assignment = stringify({ [key]: value }).trim();
  const line = lineOf(text, key);
  if (line === null) {
    const note = `# ${SETTINGS[key].summary} (${environmentName(key)})`;
    return `${text.trimEnd()}${text.trim() ? '\n\n' : ''}${note}\n${assignment}\n`;
  }
  const lines = text.split('\n');
  const comment = /(?<=["'\d\w\]]\s+)#.*$/.exec(lines[line - 1]!)?.[0];
  lines[line - 1] = comment ? `${assignment} ${comment}` : assignment;
  return lines.join('\n');
};
