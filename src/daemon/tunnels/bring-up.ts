/** From the wish for a tunnel to packets that pass: the engine's end, the device's, a handshake. */
import { setTimeout as sleep } from 'node:timers/promises';
import { BorealisError } from '../../protocol/errors.ts';
import { CompiledSelect } from '../../store/compiled.ts';
import type { DeviceTable } from '../../store/schema.ts';
import type { Store } from '../../store/store.ts';
import type { Channels } from '../channel/channels.ts';
import { addressNumber, giveAddress, isOf, readDeviceTunnel } from './book.ts';
import type { OwnEnd } from './engine-end.ts';
import type { Handshakes } from './handshakes.ts';
import type { OpenSessions } from './open-sessions.ts';
import type { Session } from './session.ts';

/** Milliseconds: for the device's end, a handshake, and the relay where UDP is blocked. */
export const UP_MS = 15_000;

export interface BringUpParts {
  readonly store: Store;
  readonly channels: Channels;
  readonly end: OwnEnd;
  readonly open: OpenSessions;
  readonly handshakes: Pick<Handshakes, 'look'>;
  /** For what is written to the disk, which holds the engine up each time. */
  readonly together: () => Promise<void>;
}

const standing = new CompiledSelect<Pick<DeviceTable, 'name' | 'state'>, [guid: string]>((db) =>
  db.selectFrom('device').select(['name', 'state']).where('guid', '=', ''),
);

/** Resolves when packets pass. Errors: those of Tunnels.open. `signal`: nobody waits any more, or the engine ends. */
export const bringUp = async (session: Session, parts: BringUpParts, signal: AbortSignal): Promise<void> => {
  const { store, channels, end, open, handshakes, together } = parts;
  const { guid } = session;
  const [device] = await standing.all(store.read, [guid]);
  if (!device) throw new BorealisError('DEVICE_NOT_FOUND');
  session.name = device.name;
  if (device.state !== 'active')
    throw new BorealisError('DEVICE_STATE_CONFLICT', { detail: `${device.name} is ${device.state}.` });
  const channel = channels.get(guid, 'system');
  if (!channel) throw offline(device.name);
  if (channel.wireguardKey === null)
    throw new BorealisError('TUNNEL_UNSUPPORTED', { detail: `${device.name} is meant.` });
  const { address: held, ports } = await readDeviceTunnel(store.read, guid);
  await end.prepare();
  const address =
    held !== null && isOf(addressNumber(held), end.addresses, end.holes)
      ? held
      : await together().then(() => store.write((tx) => giveAddress(tx, guid, end.addresses, end.holes)));
  open.demandOwn(session, channel.wireguardKey);
  Object.assign(session, { address, ports, publicKey: channel.wireguardKey });
  // First our end, so that the device's first handshake finds it: WireGuard tries again only after five seconds.
  await open.apply();
  if (!open.sendOpen(session)) throw offline(device.name);
  const limit = sleep(UP_MS, 'late', { signal, ref: false });
  handshakes.look();
  const first = await Promise.race([session.ready.promise, limit.catch(() => 'late')]);
  if (first === 'late' && !session.passing) {
    throw new BorealisError('TUNNEL_FAILED', {
      detail: `No handshake of ${device.name} came within ${UP_MS / 1000} s, neither by UDP nor through the channel.`,
    });
  }
};

export const offline = (name: string): BorealisError =>
  new BorealisError('DEVICE_OFFLINE', {
    detail: `The agent of ${name} that runs as root (context system) is not connected.`,
    next: `See when it was last heard: borealisctl device show ${name}`,
  });
