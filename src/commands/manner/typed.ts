/**
 * What the engine says of a field, said of what was typed: `expires_in: must be at least 60` is
 * `--expires: must be at least 60 seconds` to whoever wrote --expires. Loaded only when something is wrong.
 */
import type { Command } from '@oclif/core/command';
import { BorealisError, ERRORS } from '../../protocol/errors.ts';

export type Grammar = Pick<typeof Command, 'flags' | 'args'>;

/** Fields that are called otherwise on a command line: the first name that the command has. */
const CALLED: Readonly<Record<string, readonly string[]>> = {
  body: ['file'],
  device: ['devices', 'words', 'paths'],
  expires_in: ['expires'],
  labels: ['label'],
  lease_seconds: ['lease'],
  listen_port: ['port'],
  local_subnets: ['local-subnet'],
  passphrase: ['passphrase-file'],
  path: ['paths'],
  port: ['ports'],
  ports: ['set'],
  preshared_key: ['psk'],
  remove: ['words'],
  set: ['words'],
  shell: ['attach'],
  tags: ['tag'],
};

/** `--local-subnet`, or `DEVICE` for an argument. Undefined where the command line has nothing of it. */
export const typedName = (field: string, { flags, args }: Grammar): string | undefined => {
  for (const name of [field, field.replaceAll('_', '-'), ...(CALLED[field] ?? [])]) {
    if (Object.hasOwn(flags, name)) return `--${name}`;
    if (Object.hasOwn(args, name)) return name.toUpperCase();
  }
  return undefined;
};

/** The same error, of what was typed; any other as it is. `id` is the command's. */
export const asTyped = (error: BorealisError, grammar: Grammar, id = ''): BorealisError => {
  if (error.code !== 'INVALID_INPUT' || error.detail === undefined) return error;
  const detail = error.detail
    .split('; ')
    .map((issue) => typedIssue(issue, grammar))
    .join('; ');
  if (detail === error.detail) return error;
  const isUsual = error.next === ERRORS.INVALID_INPUT.next;
  const next = isUsual ? `Correct it and try again; see: borealisctl ${id} --help` : error.next;
  return new BorealisError('INVALID_INPUT', { detail, next, cause: error });
};

/** `local_subnets.0: …`: which of several it is, counts from nothing and says little; the key of a tag says all. */
const typedIssue = (issue: string, grammar: Grammar): string => {
  const [, field = '', rest = '', words = ''] =
    /^([a-z][a-z0-9_]*)((?:\.[^\s:]+)*): (.*)$/s.exec(issue) ?? [];
  const name = field === '' ? undefined : typedName(field, grammar);
  if (name === undefined) return issue;
  const key = rest
    .split('.')
    .filter((part) => part !== '' && !/^\d+$/.test(part))
    .join('.');
  return `${name}${key && ` ${key}`}: ${withUnit(words, name, grammar)}`;
};

/** Of a duration the engine has heard seconds, whatever was typed. */
const withUnit = (words: string, name: string, { flags }: Grammar): string => {
  const flag = flags[name.slice(2)];
  const isDuration = flag?.type === 'option' && flag.helpValue === 'DURATION';
  return isDuration ? words.replace(/^(must be at (?:least|most) \d+)(\.?)$/, '$1 seconds$2') : words;
};
