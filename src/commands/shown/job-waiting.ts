/** Whom a command waits for, told once it is clear that it waits. */
import type { Client } from '../../client/client.ts';
import type { Job } from '../../protocol/job.ts';
import type { Output } from '../manner/output.ts';
import { plural } from '../manner/size.ts';
import { plain } from '../manner/text.ts';

/** Devices looked up one by one to say which are offline; more, and the list of the offline ones is asked for. */
const LOOKED_UP = 20;

/** Whom the command waits for, and until when. A hint: where it cannot be had, there is none. */
export const tellWaiting = async (
  { client, out }: { readonly client: Client; readonly out: Output },
  job: Job,
  /** GUIDs of the devices that have not begun, now and later. */
  queued: ReadonlySet<string>,
  onInterrupt: 'cancel' | 'leave',
): Promise<void> => {
  if (queued.size === 0 || out.json || out.quiet) return;
  try {
    const offline = (await offlineOf(client, [...queued])).filter(({ guid }) => queued.has(guid));
    if (offline.length === 0) return;
    const names = offline.slice(0, 5).map(({ name }) => plain(name));
    const who =
      offline.length > 5
        ? `${plural(offline.length, 'device')} are offline (${names.join(', ')}, …)`
        : `${names.join(', ')} ${offline.length === 1 ? 'is' : 'are'} offline`;
    out.note(
      `${who}: the command waits, and expires ${out.moment(job.expires_at)}. Ctrl-C ${onInterrupt === 'cancel' ? 'cancels it' : 'leaves it waiting'}.`,
      'yellow',
    );
  } catch {
    // The job itself says what goes wrong with the engine.
  }
};

const offlineOf = async (client: Client, guids: readonly string[]) => {
  if (guids.length > LOOKED_UP) {
    const wanted = new Set(guids);
    return (await client.all('device.list', { state: 'offline' })).filter(({ guid }) => wanted.has(guid));
  }
  const devices = await Promise.all(guids.map((device) => client.call('device.show', { device })));
  return devices.filter(({ state }) => state === 'offline' || state === 'pending');
};
