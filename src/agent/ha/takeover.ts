/**
 * After the address has come: handshakes are begun with every client whose place is known, the network is told where the
 * address is now, and how long nobody was there is measured.
 */
import type { Clock } from '../../sys/clock.ts';

/** Milliseconds after the address came. Some switches and hosts miss the first word, or believe an older one again. */
const ANNOUNCE_AT: readonly number[] = [50, 200, 500, 1_000, 2_000, 5_000, 10_000];
/** Seconds; so that a handshake is begun at once, and begun again where the first was lost. */
export const CALLING_KEEPALIVE = 1;
/** Who has not answered by then is elsewhere, or off: it is not called for ever. */
const CALLING_MS = 15_000;
const LOOK_MS = 20;
/** Once the first is back, the others are looked for less often: a look at thousands costs more than they win. */
const LOOK_LATER_MS = 250;

export interface CountedPeer {
  readonly publicKey: string;
  readonly receivedBytes: number;
}

export interface TakeoverParts {
  readonly announce: () => void;
  readonly peers: () => Promise<readonly CountedPeer[] | null>;
  /** One change for all of them. */
  readonly call: (endpoints: ReadonlyMap<string, string>, keepaliveSeconds: number) => Promise<void>;
  /** Keepalives as they are wanted again. Where it fails whoever does it tries again. */
  readonly settle: () => Promise<void>;
  /** Something could not be done: the first time, of each kind. */
  readonly failed: (error: Error) => void;
  readonly clock: Clock;
}

export interface Outcome {
  /** When the first client was heard, or the address announced where there is none: monotonic milliseconds. */
  readonly backAt: number;
  readonly clients: number;
  readonly back: number;
}

/** Ends early, with what it knows, when `signal` is aborted: the address went again, or the agent ends. */
export const takeOver = async (
  endpoints: ReadonlyMap<string, string>,
  parts: TakeoverParts,
  signal: AbortSignal,
): Promise<Outcome> => {
  const { announce, peers, call, settle, failed, clock } = parts;
  const begun = clock.monotonic();
  // It went before its clients could be called: who is told now would come here in vain, and the other one has it.
  if (signal.aborted) return { backAt: begun, clients: endpoints.size, back: 0 };
  announce();
  const timers = ANNOUNCE_AT.map((ms) => setTimeout(announce, ms));
  signal.addEventListener('abort', () => timers.forEach(clearTimeout), { once: true });
  // What cannot be read just now is looked at again: clients are called all the same, and the switch is told of.
  const look = () => peers().catch(() => null);
  const before = new Map((await look())?.map((peer) => [peer.publicKey, peer.receivedBytes]));
  if (signal.aborted || endpoints.size === 0) return { backAt: begun, clients: endpoints.size, back: 0 };
  let isCalled = false;
  let isTold = false;
  const tryCall = async (): Promise<void> => {
    try {
      await call(endpoints, CALLING_KEEPALIVE);
      isCalled = true;
    } catch (error) {
      if (!isTold) failed(error as Error);
      isTold = true;
    }
  };
  await tryCall();
  const back = new Set<string>();
  let backAt: number | undefined;
  while (!signal.aborted && back.size < endpoints.size && clock.monotonic() - begun < CALLING_MS) {
    const found = (await look()) ?? [];
    for (const { publicKey, receivedBytes } of found)
      if (endpoints.has(publicKey) && receivedBytes > (before.get(publicKey) ?? 0)) back.add(publicKey);
    if (back.size > 0) backAt ??= clock.monotonic();
    if (back.size === endpoints.size) break;
    await pause(isCalled && backAt === undefined ? LOOK_MS : LOOK_LATER_MS, signal);
    if (!isCalled && !signal.aborted) await tryCall();
  }
  // Also where they could not be called: a part of them may have been.
  if (!signal.aborted) await settle().catch(failed);
  return { backAt: backAt ?? clock.monotonic(), clients: endpoints.size, back: back.size };
};

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
