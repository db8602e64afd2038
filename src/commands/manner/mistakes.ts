/** oclif's complaints about a command line in our words, each with the way out. Loaded only when something is wrong. */
import { BorealisError } from '../../protocol/errors.ts';
import { nearest } from './nearest.ts';

interface ParseContext {
  readonly input?: {
    readonly flags?: Readonly<Record<string, { readonly char?: string; readonly hidden?: boolean }>>;
  };
}

interface OclifError extends Error {
  readonly oclif?: { readonly exit?: number };
  readonly parse?: ParseContext;
  /** Of NonExistentFlagsError. */
  readonly flags?: readonly string[];
  /** Of UnexpectedArgsError and RequiredArgsError. */
  readonly args?: readonly (string | { readonly name: string })[];
}

export const asBorealisError = (thrown: unknown, command?: string): BorealisError => {
  if (!(thrown instanceof Error)) return new BorealisError('INTERNAL', { detail: String(thrown) });
  const error = thrown as OclifError;
  if (error.oclif === undefined) return fileError(error) ?? internal(error);
  const help = `borealisctl ${command ? `${command} ` : ''}--help`;
  const { name } = error.constructor;
  if (name === 'NonExistentFlagsError') return unknownFlags(error, help);
  if (name === 'UnexpectedArgsError') {
    const extra = (error.args ?? []).map(String).join(' ');
    const what = (error.args?.length ?? 0) > 1 ? 'are arguments' : 'is an argument';
    return usage(`“${extra}” ${what} that it does not take.`, `See how it is used: ${help}`, error);
  }
  if (name === 'RequiredArgsError') {
    const missing = (error.args ?? []).map((arg) => (typeof arg === 'string' ? arg : arg.name).toUpperCase());
    return usage(
      `${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} missing.`,
      `See how it is used: ${help}`,
      error,
    );
  }
  const flags = [...error.message.matchAll(/Missing required flag ([\w-]+)/g)].map(([, flag]) => `--${flag}`);
  if (flags.length > 0) {
    const missing = `${flags.join(' and ')} ${flags.length > 1 ? 'are' : 'is'} missing.`;
    return usage(missing, `See how it is used: ${help}`, error);
  }
  return usage(sentence(error.message), `See how it is used: ${help}`, error);
};

const unknownFlags = (error: OclifError, help: string): BorealisError => {
  const known = Object.entries(error.parse?.input?.flags ?? {}).filter(([, flag]) => !flag.hidden);
  const typed = error.flags?.[0] ?? '';
  const name = typed.split('=', 1)[0] ?? typed;
  const near = nearest(
    name.replace(/^-+/, ''),
    known.map(([flag]) => flag),
  ).map((flag) => `--${flag}`);
  const next = near.length > 0 ? `Did you mean ${near.join(' or ')}? See: ${help}` : `See its flags: ${help}`;
  return usage(`There is no flag ${name}.`, next, error);
};

/** `Expected --state=x to be one of: a, b\nSee more help with --help` and the like. */
const sentence = (message: string): string => {
  const lines = message
    .split('\n')
    .map((line) => line.trim())
    .filter(
      (line) => line !== '' && !line.startsWith('See more help') && !line.startsWith('The following error'),
    );
  const text = lines
    .join(' ')
    .replace(/^Parsing (--\S+)\s+/, '$1: ')
    .replace(/^Flag (--\S+) expects/, '$1 expects');
  return /[.!?]$/.test(text) ? text : `${text}.`;
};

const FILE_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be opened by you',
  EPERM: 'may not be opened by you',
  EISDIR: 'is a directory',
  ENOTDIR: 'is not in a directory',
  EROFS: 'is on a read-only file system',
};

/** Files that the caller named. */
const fileError = (error: NodeJS.ErrnoException): BorealisError | undefined => {
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT')
    return new BorealisError('DISK_FULL', { next: 'Free space there, then try again.', cause: error });
  const what = FILE_ERRORS[error.code ?? ''];
  if (what === undefined || error.path === undefined) return undefined;
  return usage(`${error.path} ${what}.`, 'Name another file.', error);
};

const internal = (error: Error): BorealisError =>
  new BorealisError('INTERNAL', {
    detail: `${error.name}: ${error.message}`,
    next: 'Please report it, with what BOREALIS_DEBUG=1 adds to this.',
    cause: error,
  });

const usage = (detail: string, next: string, cause: unknown): BorealisError =>
  new BorealisError('USAGE', { detail, next, cause });
