/** The way to the engine, tried as the agent itself goes it: name, connection, pin, clock. Nothing is changed on either side. */
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { PROOF_SECONDS } from '../../crypto/dpop.ts';
import { seedToPem } from '../../crypto/keys.ts';
import type { Check } from '../../protocol/engine.ts';
import { AGENT_PATHS, ENGINE_SERVER_NAME } from '../../protocol/enrolment.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { Clock } from '../../sys/clock.ts';
import { found, ok, skipped } from '../../sys/doctor/check.ts';
import type { CredentialParts } from '../credentials.ts';
import { connectionError, dialEngine, engineContext, secured } from '../tls.ts';

const ANSWER_MS = 10_000;
/** Proofs are refused beyond it; the engine's own doctor warns from half of that. */
const SKEW_FAIL_MS = PROOF_SECONDS * 1_000;
const SKEW_WARN_MS = SKEW_FAIL_MS / 2;

export const engineChecks = async (credentials: CredentialParts, clock: Clock): Promise<Check[]> => {
  const { host, port } = credentials.membership.address;
  const address = await addressCheck(host);
  const at = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  if (address.state === 'fail')
    return [address, skipped('engine', `${at} was not tried.`), skipped('clock_skew', UNHEARD)];
  try {
    const skew = await askTheTime(credentials, clock);
    const message = `The engine at ${at} answers, and it is the one that this device was enrolled with.`;
    return [address, ok('engine', message), skewCheck(skew)];
  } catch (error) {
    return [address, refusal(at, connectionError(error)), skipped('clock_skew', UNHEARD)];
  }
};

const UNHEARD = 'The engine did not say what time it is.';

const addressCheck = async (host: string): Promise<Check> => {
  if (isIP(host)) return ok('engine_address', `The engine's address is ${host}; no name has to be resolved.`);
  try {
    const all = await lookup(host, { all: true });
    return ok('engine_address', `${host} is ${all.map(({ address }) => address).join(', ')}.`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const remedy = `Correct the name in the DNS, or the resolver of this machine: getent hosts ${host}`;
    return found('fail', 'engine_address', `${host} has no address (${code}).`, remedy);
  }
};

const refusal = (at: string, error: BorealisError): Check => {
  if (error.code === 'CANCELLED')
    return found('fail', 'engine', `Nobody answers at ${at} within ${ANSWER_MS / 1_000} s.`, REACH);
  if (error.code === 'CLOCK_SKEW')
    return found(
      'fail',
      'engine',
      `By the clock of this machine the certificate of the engine at ${at} is not valid now.`,
      'Correct the clock here: timedatectl; if it is right, restart the engine, which then renews its certificate.',
    );
  if (error.code === 'PIN_MISMATCH')
    return found(
      'fail',
      'engine',
      `Who answers at ${at} is not the engine that this device was enrolled with. ${error.detail ?? ''}`.trim(),
      'Look for a proxy that opens TLS, or for another engine at that address; enrol again only if you know why.',
    );
  return found('fail', 'engine', error.message, error.code === 'ENGINE_UNREACHABLE' ? REACH : error.next);
};

const REACH = 'Check that the engine runs, and that no firewall stands before its port.';

const skewCheck = (skew: number): Check => {
  const seconds = Math.abs(skew / 1_000);
  if (seconds * 1_000 <= SKEW_WARN_MS)
    return ok(
      'clock_skew',
      `This machine's clock and the engine's are ${seconds < 2 ? 'less than 2' : seconds.toFixed(0)} s apart.`,
    );
  return found(
    seconds * 1_000 > SKEW_FAIL_MS ? 'fail' : 'warn',
    'clock_skew',
    `This machine's clock is ${seconds.toFixed(0)} s ${skew > 0 ? 'ahead of' : 'behind'} the engine's; beyond ${PROOF_SECONDS} s it refuses this device.`,
    'Set up time synchronisation on both, or correct the clock that is wrong: timedatectl',
  );
};

/** Milliseconds that our clock is ahead; to about a second, which is as fine as `Date` (RFC 9110 §6.6.1) is. */
const askTheTime = async (credentials: CredentialParts, clock: Clock): Promise<number> => {
  const { address, authority, certificate } = credentials.membership;
  const signal = AbortSignal.timeout(ANSWER_MS);
  const context = engineContext({ authority, certificate, key: seedToPem(credentials.seed) });
  const socket = await secured(dialEngine(address, context), signal);
  try {
    const date = Date.parse((await get(socket, signal)).headers.date ?? '');
    if (Number.isNaN(date)) throw new BorealisError('SCHEMA_MISMATCH', { detail: 'Its answer has no date.' });
    return clock.now() - (date + 500);
  } finally {
    socket.destroy();
  }
};

/** Of a path that takes POST alone: refused before anything is looked at, and the refusal has the time. */
const get = async (socket: TLSSocket, signal: AbortSignal): Promise<IncomingMessage> => {
  const asked = request({
    createConnection: () => socket,
    method: 'GET',
    path: AGENT_PATHS.poll,
    signal,
    headers: { Host: ENGINE_SERVER_NAME, Connection: 'close' },
  });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  response.resume();
  return response;
};
