/** What a job does, as it is stored with it: a script's body is fixed when the job is made, not looked up again. */
import { z } from 'zod';
import { type CommandClaims, verbName } from '../../protocol/command.ts';
import { BorealisError } from '../../protocol/errors.ts';
import { FRAME_MAX_BYTES } from '../../protocol/frame.ts';
import type { ParsedInputOf } from '../../protocol/operations.ts';
import { runCommandArgs, runScriptArgs } from '../../protocol/verb.ts';
import type { ScriptTable } from '../../store/schema.ts';
import type { Database } from '../../store/store.ts';

export const storedWork = z.discriminatedUnion('kind', [
  runCommandArgs.extend({ kind: z.literal('command') }),
  runScriptArgs.extend({ kind: z.literal('script') }),
  z.strictObject({ kind: z.literal('verb'), verb: verbName, args: z.record(z.string(), z.json()) }),
]);
export type StoredWork = z.infer<typeof storedWork>;

/** What the agent is told. */
export interface VerbCall {
  readonly verb: string;
  readonly args: CommandClaims['args'];
}

const TITLE_LENGTH = 200;
/** Claims besides `args`, header, signature and frame, generously. */
const ENVELOPE_OVERHEAD_BYTES = 4_096;
/** Bytes of JSON that still fit one frame once they are base64url. */
const ARGS_MAX_BYTES = Math.floor((FRAME_MAX_BYTES * 3) / 4) - ENVELOPE_OVERHEAD_BYTES;

/** Errors: SCRIPT_NOT_FOUND; BODY_TOO_LARGE where the command would not fit one frame of the channel. */
export const fixWork = async (
  db: Database,
  work: ParsedInputOf<'job.create'>['work'],
): Promise<StoredWork> => {
  const fixed: StoredWork =
    work.kind === 'script' ? withScript(await findScript(db, work.script), work.arguments) : work;
  demandFits(fixed);
  return fixed;
};

/** Errors: BODY_TOO_LARGE. */
export const demandFits = (work: StoredWork): void => {
  const bytes = Buffer.byteLength(JSON.stringify(callOf(work).args));
  if (bytes <= ARGS_MAX_BYTES) return;
  throw new BorealisError('BODY_TOO_LARGE', {
    detail: `The command takes ${bytes} bytes; ${ARGS_MAX_BYTES} fit one frame.`,
    next: 'Shorten the script or its arguments.',
  });
};

const findScript = async (db: Database, name: string): Promise<ScriptTable> => {
  const found = await db.selectFrom('script').selectAll().where('name', '=', name).executeTakeFirst();
  if (!found) throw new BorealisError('SCRIPT_NOT_FOUND', { detail: `“${name}” is none.` });
  return found;
};

const withScript = ({ name, language, body, signature }: ScriptTable, args: string[]): StoredWork =>
  storedWork.parse({ kind: 'script', name, language, body, signature, arguments: args });

export const readWork = (json: string): StoredWork => storedWork.parse(JSON.parse(json));

export const callOf = (work: StoredWork): VerbCall => {
  if (work.kind === 'verb') return { verb: work.verb, args: work.args };
  const { kind, ...args } = work;
  return { verb: kind === 'command' ? 'run_command' : 'run_script', args };
};

/** For people: the command line as a shell would take it, the script's name, the verb. */
export const titleOf = (work: StoredWork): string => {
  const words =
    work.kind === 'command'
      ? work.argv
      : work.kind === 'script'
        ? [work.name, ...work.arguments]
        : [work.verb];
  const line = words.map(quoted).join(' ');
  return line.length <= TITLE_LENGTH ? line : `${line.slice(0, TITLE_LENGTH - 1)}…`;
};

const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
