/** Keeps a picture of the fleet current over the local API, for as long as it takes; engines come and go. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../../client/client.ts';
import { type Fleet, STALE_MS } from './fleet.ts';

const RETRY_MS = 2_000;
/** The lists are read again at most this often, however much happens. */
const RELOAD_MS = 5_000;
/** And at least this often: what no event tells (approvals that expire, warnings). */
const REFRESH_MS = 60_000;
/** Shown of what happened before. */
const EVENTS_BEFORE = 40;

export type FeedState =
  | { readonly state: 'connecting' | 'live' }
  /** `since`: milliseconds since 1970. */
  | { readonly state: 'away'; readonly since: number; readonly message: string };

export interface FeedParts {
  readonly client: Client;
  readonly fleet: Fleet;
  readonly signal: AbortSignal;
  readonly onState: (state: FeedState) => void;
}

/** Resolves when `signal` is aborted. Errors: whatever is no absence of the engine (NOT_PERMITTED and the like). */
export const feed = async ({ client, fleet, signal, onState }: FeedParts): Promise<void> => {
  let since: number | undefined;
  while (!signal.aborted) {
    const round = new AbortController();
    const both = AbortSignal.any([signal, round.signal]);
    try {
      const newest = await newestEvent(client, both);
      await load(client, fleet, both);
      since = undefined;
      onState({ state: 'live' });
      await Promise.race([events(client, fleet, newest, both), telemetry(client, fleet, both)]);
      if (signal.aborted) return;
      throw ENDED;
    } catch (error) {
      if (signal.aborted) return;
      if (!isAway(error)) throw error;
      since ??= Date.now();
      onState({ state: 'away', since, message: (error as Error).message });
      // Only the abort ends this sleep early, and then the loop ends too.
      await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
    } finally {
      round.abort();
    }
  }
};

const ENDED = Object.assign(new Error('The engine ended the stream.'), { code: 'ENGINE_STARTING' });

const load = async (client: Client, fleet: Fleet, signal: AbortSignal): Promise<void> => {
  const [devices, status] = await Promise.all([
    client.all('device.list', {}, { signal }),
    client.call('status.show', {}, { signal }),
  ]);
  fleet.load(devices, status);
};

/** An id that was never given is answered with the newest that was. */
const newestEvent = async (client: Client, signal: AbortSignal): Promise<number> => {
  for await (const { id } of client.stream('event.watch', { after: Number.MAX_SAFE_INTEGER }, signal))
    return id;
  throw ENDED;
};

const events = async (client: Client, fleet: Fleet, newest: number, signal: AbortSignal): Promise<void> => {
  let loadedAt = Date.now();
  let loading: NodeJS.Timeout | undefined;
  const failed = Promise.withResolvers<never>();
  const reload = (inMs: number): void => {
    loading ??= setTimeout(() => {
      loading = undefined;
      loadedAt = Date.now();
      load(client, fleet, signal).catch(failed.reject);
    }, inMs);
  };
  const refresh = setInterval(() => reload(0), REFRESH_MS);
  const watch = async (): Promise<void> => {
    const after = fleet.events.at(-1)?.id ?? Math.max(0, newest - EVENTS_BEFORE);
    for await (const event of client.stream('event.watch', { after }, signal)) {
      if (event.type !== 'stream.gap' && event.id <= newest) fleet.remember(event);
      else if (fleet.happened(event)) reload(Math.max(0, loadedAt + RELOAD_MS - Date.now()));
    }
  };
  try {
    await Promise.race([watch(), failed.promise]);
  } finally {
    clearInterval(refresh);
    clearTimeout(loading);
  }
};

const telemetry = async (client: Client, fleet: Fleet, signal: AbortSignal): Promise<void> => {
  const since = new Date(Date.now() - STALE_MS).toISOString();
  for await (const { guid, sample } of client.stream('telemetry.watch', { since }, signal))
    fleet.measured(guid, sample);
};

/** By code: the client's errors are of another bundle (src/commands/manner/part.ts). */
const AWAY = new Set(['ENGINE_STARTING', 'ENGINE_UNREACHABLE', 'TIMED_OUT', 'WATCHER_TOO_SLOW']);
const isAway = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && AWAY.has(String(error.code));
