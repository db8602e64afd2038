/**
 * Asks the engine's WireGuard by UDP whether packets pass both ways, with a handshake of a key that the engine has made for
 * this alone. The tunnel's own session is not touched: with its own key a question would turn the engine's answers to a
 * way that may be closed.
 */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { beginHandshake, type Handshake } from '../../wg/handshake.ts';

/** An initiation is repeated once: a packet may be lost on a way that works. */
const REPEAT_MS = 400;
const ANSWER_MS = 1_500;

export interface ProbeParts {
  /** `ADDRESS:PORT` or `[ADDRESS]:PORT`. */
  readonly endpoint: string;
  /** The engine's, base64. */
  readonly engineKey: string;
  readonly probeKey: string;
  readonly now: () => number;
}

/** True once the engine has answered; false where it has not in time, or was asked no longer. Never rejects. */
export const udpReaches = (
  { endpoint, engineKey, probeKey, now }: ProbeParts,
  signal: AbortSignal,
): Promise<boolean> => {
  const at = endpoint.lastIndexOf(':');
  const host = endpoint.slice(0, at).replace(/^\[|\]$/g, '');
  const port = Number(endpoint.slice(at + 1));
  const asked: Handshake[] = [];
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let connected = false;
  const no = (): void => resolve(false);
  const udp = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  // Refused by a router, or there is no way there: as good as silence.
  udp.on('error', no);
  udp.on('message', (packet) => {
    if (asked.some((handshake) => handshake.finish(packet))) resolve(true);
  });
  const ask = (): void => {
    if (!connected || signal.aborted) return;
    const sender = randomInt(2 ** 32);
    const handshake = beginHandshake({ privateKey: probeKey, peer: engineKey, sender, now: now() });
    asked.push(handshake);
    udp.send(handshake.initiation);
  };
  udp.once('connect', () => {
    connected = true;
    ask();
  });
  udp.connect(port, host);
  const timers = [setTimeout(ask, REPEAT_MS), setTimeout(no, ANSWER_MS)];
  if (signal.aborted) no();
  signal.addEventListener('abort', no, { once: true });
  return promise.finally(() => {
    for (const timer of timers) clearTimeout(timer);
    signal.removeEventListener('abort', no);
    udp.close();
  });
};
