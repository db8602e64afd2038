/** Whom a command waits for, told once it is clear that it waits. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../../client/client.ts';
import type { Job } from '../../protocol/job.ts';
import type { Output } from '../manner/output.ts';
import { plural } from '../manner/size.ts';
import { plain } from '../manner/text.ts';

/** Devices looked up one by one to say which are offline; more, and the list of the offline ones is asked for. */
const LOOKED_UP = 20;

/** A device that is online has begun by then. */
const BEGUN_MS = 1_000;
/** Asked again at most this often: the engine may be away, or not know yet that a device is gone. */
const SELDOM_MS = 15_000;

export interface Waiting {
  readonly job: Job;
  /** GUIDs of the devices that have not begun, now and later. */
  readonly queued: ReadonlySet<string>;
  readonly onInterrupt: 'cancel' | 'leave';
  /** Ends it: the command does not wait any more. */
  readonly signal: AbortSignal;
  readonly begunMs?: number;
}

/** Says once whom the command waits for, and until when: as soon as that can be had. */
export const tellWaiting = async (
  { client, out }: { readonly client: Pick<Client, 'call' | 'all'>; readonly out: Output },
  { job, queued, onInterrupt, signal, begunMs = BEGUN_MS }: Waiting,
): Promise<void> => {
  if (out.json || out.quiet) return;
  for (let pause = begunMs; ; pause = Math.min(2 * pause, SELDOM_MS)) {
    // Only the signal ends this sleep early.
    await sleep(pause, undefined, { signal }).catch(() => undefined);
    if (signal.aborted || queued.size === 0) return;
    // What is wrong with the engine, the job itself says; the hint is tried again.
    const offline = await offlineOf(client, [...queued], signal).catch(() => []);
    const waited = offline.filter(({ guid }) => queued.has(guid)).map(({ name }) => plain(name));
    if (signal.aborted) return;
    if (waited.length === 0) continue;
    const ends = onInterrupt === 'cancel' ? 'cancels it' : 'leaves it waiting';
    out.note(
      `${who(waited)}: the command waits, and expires ${out.moment(job.expires_at)}. Ctrl-C ${ends}.`,
      'yellow',
    );
    return;
  }
};

const who = (names: readonly string[]): string => {
  const first = names.slice(0, 5).join(', ');
  if (names.length > 5) return `${plural(names.length, 'device')} are offline (${first}, …)`;
  return `${first} ${names.length === 1 ? 'is' : 'are'} offline`;
};

const offlineOf = async (
  client: Pick<Client, 'call' | 'all'>,
  guids: readonly string[],
  signal: AbortSignal,
) => {
  if (guids.length > LOOKED_UP) {
    const wanted = new Set(guids);
    return (await client.all('device.list', { state: 'offline' }, { signal })).filter(({ guid }) =>
      wanted.has(guid),
    );
  }
  const devices = await Promise.all(
    guids.map((device) => client.call('device.show', { device }, { signal })),
  );
  return devices.filter(({ state }) => state === 'offline' || state === 'pending');
};
