/** The agent's configuration: a TOML file, then the environment, then flags. Each mistake is named with its line. */
import { join, resolve } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { z } from 'zod';
import { strangers } from '../config/environment.ts';
import type { Problem } from '../config/file.ts';
import { OUTPUT_CAP_BYTES } from '../protocol/command.ts';
import { BorealisError } from '../protocol/errors.ts';
import { issueWords } from '../protocol/issue-words.ts';
import { stateError } from '../sys/state-errors.ts';
import { agentStateDirectory } from '../sys/state-paths.ts';
import { readTrustedFile } from '../sys/trusted-file.ts';

const file = z.strictObject({
  log_level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info'),
  /** Days that log files are kept. */
  log_retention_days: z.number().int().min(1).max(3_650).default(30),
  /** Commands that run at once. */
  concurrency: z.number().int().min(1).max(64).default(4),
  /** Bytes of each output stream that a result keeps. */
  output_cap: z.number().int().min(1_024).max(OUTPUT_CAP_BYTES).default(OUTPUT_CAP_BYTES),
  /** Further variables for commands and scripts. */
  environment: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string()).default({}),
  /** Network interface of the tunnel; the table of nftables has the same name. */
  tunnel_interface: z
    .string()
    .regex(/^[a-zA-Z][a-zA-Z0-9_]{0,14}$/)
    .default('borealis1'),
  /** Of the key under which VPN services are kept here (bastion/seal-key.ts). */
  seal_key_file: z.string().startsWith('/').optional(),
  /** Told to the engine instead of the machine's own name. */
  hostname: z.string().min(1).max(253).optional(),
  /** Stands for the machine's own number: several agents on one machine, in tests. */
  fingerprint: z.string().min(1).max(256).optional(),
});
export type AgentConfig = z.infer<typeof file>;
const KEYS = Object.keys(file.shape) as (keyof AgentConfig)[];

export interface Origins {
  /** From flags; the environment counts where they are not given. */
  readonly state?: string | undefined;
  readonly file?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Loaded {
  /** Absolute. */
  readonly state: string;
  readonly config: AgentConfig;
  /** Variables that look like ours and are none: to be told, not refused. */
  readonly unknown: readonly Problem[];
}

/** Absolute; whether anything is there or not. */
export const stateOf = ({ state, env }: Pick<Origins, 'state' | 'env'>): string =>
  resolve(state ?? (env.BOREALIS_AGENT_STATE || agentStateDirectory(env)));

/** Errors: CONFIG_INVALID, STATE_INACCESSIBLE. */
export function loadConfig({ state, file: given, env }: Origins): Loaded {
  const directory = stateOf({ state, env });
  const named = given ?? (env.BOREALIS_AGENT_CONFIG || undefined);
  const path = named ?? join(directory, 'agent.toml');
  const text = read(path, named !== undefined);
  const table = { ...parseToml(text, path), ...fromEnvironment(env) };
  const parsed = file.safeParse(table);
  if (parsed.success) return { state: directory, config: parsed.data, unknown: unknownVariables(env) };
  throw invalid(parsed.error.issues.map((issue) => describe(issue, text, path)).join(' '));
}

const PREFIX = 'BOREALIS_AGENT_';
/** Read by the command line, and no settings. */
const OTHERS = ['STATE', 'CONFIG', 'CONTEXT', 'LINK'];

const unknownVariables = (env: Origins['env']): Problem[] =>
  strangers(
    env,
    PREFIX,
    [...OTHERS, ...KEYS.map((key) => key.toUpperCase())].map((name) => PREFIX + name),
  );

function fromEnvironment(env: Origins['env']): Record<string, string | number> {
  const given: Record<string, string | number> = {};
  for (const key of KEYS) {
    const text = env[`${PREFIX}${key.toUpperCase()}`];
    // Tables have no form in an environment variable.
    if (!text || key === 'environment') continue;
    given[key] = /^\d+$/.test(text) && key !== 'fingerprint' && key !== 'hostname' ? Number(text) : text;
  }
  return given;
}

function parseToml(text: string, path: string): Record<string, unknown> {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const message = error.message.split('\n')[0]?.replace(/^Invalid TOML document: /, '') ?? '';
    throw invalid(`${path}, line ${error.line}: not valid TOML: ${message}.`);
  }
}

function describe(issue: z.core.$ZodIssue, text: string, path: string): string {
  const key = issue.code === 'unrecognized_keys' ? (issue.keys[0] ?? '') : issue.path.map(String).join('.');
  const name = key.split('.')[0] ?? '';
  const line = text
    .split('\n')
    .findIndex((row) => new RegExp(`^\\s*\\[?\\s*["']?${name.replace(/\W/g, '\\$&')}\\b`).test(row));
  const where = line < 0 ? `${PREFIX}${name.toUpperCase()}` : `${path}, line ${line + 1}: ${key}`;
  if (issue.code !== 'unrecognized_keys') return `${where}: ${issueWords(issue)}.`;
  const near = nearest(name);
  return `${where}: there is no such setting${near ? ` (did you mean ${near}?)` : ''}.`;
}

/** The key that shares the longest beginning, if that is worth a guess. */
function nearest(typed: string): string | undefined {
  const shared = (key: string): number => [...key].findIndex((letter, at) => letter !== typed[at]);
  return KEYS.filter((key) => shared(key) === -1 || shared(key) >= 3).sort(
    (a, b) => shared(b) - shared(a),
  )[0];
}

function read(path: string, mustExist: boolean): string {
  try {
    return readTrustedFile(path);
  } catch (error) {
    if (!mustExist && (error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    if (error instanceof BorealisError) throw error;
    // In the usual place it is the state that is closed to us, and that is what is to be mended.
    throw (
      (mustExist ? undefined : stateError(error)) ??
      invalid(`${path} cannot be read: ${(error as Error).message}.`, error)
    );
  }
}

const invalid = (detail: string, cause?: unknown): BorealisError =>
  new BorealisError('CONFIG_INVALID', { detail, next: 'Correct it, then try again.', cause });
