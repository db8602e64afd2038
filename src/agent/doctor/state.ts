/** What the agent keeps: its directory, its identity, its certificate, the results that wait in its spool. */
import { lstatSync, readdirSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { parseClientCertificate } from '../../crypto/client-certificate.ts';
import type { Check } from '../../protocol/engine.ts';
import { BorealisError } from '../../protocol/errors.ts';
import { found, ok } from '../../sys/doctor/check.ts';
import { stateError } from '../../sys/state-errors.ts';
import type { CredentialParts } from '../credentials.ts';
import { loadCredentials } from '../identity.ts';
import type { ContextPaths } from '../state.ts';

const DAY_MS = 86_400_000;
/** Renewed at two thirds of 30 days; five left means that it did not work. As the engine has it. */
const CERTIFICATE_DAYS = 5;
/** The engine takes a result within seconds of its coming online. */
const RESULT_MS = 3_600_000;
const SPOOL_MOST = 1_000;

/** Whether this process may use the directory; as another user it may not, and nothing else can be said. */
export const directoryCheck = async (state: string): Promise<Check> => {
  try {
    const { mode, uid } = lstatSync(state);
    await access(state, constants.R_OK | constants.W_OK | constants.X_OK);
    const self = process.geteuid?.() ?? 0;
    if ((mode & 0o077) === 0 && uid === self)
      return ok('state', `${state} can be read and written by the agent, and by nobody else.`);
    if (uid === self) return found('fail', 'state', `${state} is open to others.`, `chmod go-rwx ${state}`);
    // root, who may look at everything, looks at the state of an agent that is another user's.
    return ok('state', `${state} belongs to user ${uid}.`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      return found('fail', 'state', `There is no ${state}: nothing was enrolled there.`, ENROL);
    return asFailure('state', error);
  }
};

const ENROL = 'Get a link with: borealisctl code create, then: borealis-agent enroll LINK';

export interface FoundIdentity {
  readonly check: Check;
  /** Undefined where there is none that could be used. */
  readonly credentials: CredentialParts | undefined;
}

/** Key, membership and tokens: present, closed to others, of one enrolment. */
export const identityCheck = async (paths: ContextPaths): Promise<FoundIdentity> => {
  try {
    const credentials = await loadCredentials(paths);
    const { name, guid } = credentials.membership;
    const message = `Enrolled as ${name} (${guid}); key and tokens are whole, and closed to others.`;
    return { check: ok('identity', message), credentials };
  } catch (error) {
    const missing = error instanceof BorealisError && error.code === 'NOT_ENROLLED';
    return {
      check: missing
        ? found('fail', 'identity', `${paths.directory} holds no enrolment.`, ENROL)
        : asFailure('identity', error),
      credentials: undefined,
    };
  }
};

/** `now`: milliseconds since 1970, of the better clock. */
export const certificateCheck = ({ membership, tokens }: CredentialParts, now: number): Check => {
  const ends = parseClientCertificate(membership.certificate).notAfter.getTime();
  const left = Math.floor((ends - now) / DAY_MS);
  const again = 'Enrol it again: borealis-agent unenroll, then borealis-agent enroll LINK';
  if (ends <= now)
    return found(
      'fail',
      'certificate',
      `The certificate ended ${dated(ends)}: the engine refuses it.`,
      again,
    );
  if (tokens.refreshExpiresAt <= now)
    return found('fail', 'certificate', `The refresh token ended ${dated(tokens.refreshExpiresAt)}.`, again);
  const message = `The certificate is valid until ${dated(ends)} (${left} ${left === 1 ? 'day' : 'days'})`;
  if (left >= CERTIFICATE_DAYS) return ok('certificate', `${message} and renews itself.`);
  const remedy = 'Let the agent run until it is online: it then renews at once. Otherwise see its log.';
  return found('warn', 'certificate', `${message} and was not renewed.`, remedy);
};

const dated = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

/** What waits, and since when: results go within seconds once the engine is heard. */
export const spoolCheck = ({ spool }: ContextPaths, now: number): Check => {
  const waiting = filesOf(spool);
  const oldest = Math.min(...waiting);
  const count = `${waiting.length} ${waiting.length === 1 ? 'command' : 'commands'}`;
  if (waiting.length === 0) return ok('spool', 'No command is waiting, running or not yet reported.');
  const message = `${count} waiting, running or not yet reported, the oldest since ${dated(oldest)}.`;
  if (waiting.length <= SPOOL_MOST && now - oldest <= RESULT_MS) return ok('spool', message);
  const remedy =
    'Results go when the engine is reached: see the checks of engine and process; else the agent’s log.';
  return found('warn', 'spool', message, remedy);
};

/** When each was written, milliseconds since 1970. */
const filesOf = (spool: string): number[] => {
  try {
    return readdirSync(spool)
      .filter((name) => name.endsWith('.json'))
      .flatMap((name) => lstatSync(join(spool, name), { throwIfNoEntry: false })?.mtimeMs ?? []);
  } catch {
    return []; // not there yet, or closed to us, which the check of the identity says
  }
};

export const asFailure = (id: string, error: unknown): Check => {
  const told = error instanceof BorealisError ? error : stateError(error);
  if (!told) throw error;
  return found('fail', id, told.message, told.next);
};
