/** Puts the engine's half of tunnels together. */
import type { Logger } from 'pino';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import { hostUses } from '../../wg/host-uses.ts';
import { createNetwork } from '../../wg/network.ts';
import { linuxSystem } from '../../wg/system.linux.ts';
import type { ChannelServer } from '../channel/server.ts';
import type { EventLog } from '../events/log.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { type EndSettings, OwnEnd } from './engine-end.ts';
import { tunnelOperations } from './operations.ts';
import { Relay } from './relay.ts';
import { Sessions } from './sessions.ts';

export interface TunnelsParts {
  readonly store: Store;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly keys: Pick<KeyRing, 'signingKey' | 'getOrMake'>;
  readonly channels: ChannelServer;
  /** As they were when the engine started. */
  readonly settings: EndSettings;
  readonly idleMs: () => number;
  readonly log: Logger;
}

/** Standing in which a device may have no tunnel any more. */
const OUT = new Set(['device.quarantined', 'device.revoked', 'device.removed']);

/** Errors: CONFIG_INVALID. */
export const createTunnels = async (parts: TunnelsParts) => {
  const { store, events, clock, keys, channels, settings, log } = parts;
  const system = linuxSystem(settings.tunnel_interface);
  const end = await OwnEnd.open({
    store,
    keys,
    network: createNetwork(system),
    settings,
    uid: process.geteuid?.() ?? 0,
    uses: () => hostUses(system, settings.tunnel_interface),
    clock,
  });
  const sessions = new Sessions({ ...parts, end });
  const relay = new Relay({
    port: settings.tunnel_port,
    isOpen: (guid) => sessions.all.has(guid),
    probed: (guid, key) => sessions.relayed(guid, key),
    log,
  });
  sessions.onChange((guid, session) => {
    if (!session) relay.end(guid);
  });
  const unsubscribe = events.subscribe(({ type, guid, device }) => {
    if (guid === null) return;
    if (OUT.has(type)) {
      sessions.disconnect(guid, 'device left').catch((error: unknown) => {
        log.error({ err: error, device }, 'the tunnel of a device that left could not be taken down');
      });
    } else if (type === 'device.changed' && device !== null) sessions.renamed(guid, device);
  });
  channels.attach(sessions.consumer);
  return {
    sessions,
    relay,
    operations: tunnelOperations({ ...parts, sessions, end, relay }),
    start: () => sessions.start(),
    /** Errors: NETWORK_OVERLAP, those of wg/commands.ts. */
    demandFree: async () => void (await end.demandFree()),
    close: async (): Promise<void> => {
      unsubscribe();
      relay.close();
      await sessions.close();
    },
  };
};
