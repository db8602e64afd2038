/** Puts the VPN bastion together: on the engine's own host, and on devices. */
import type { Logger } from 'pino';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import { runCommand } from '../../sys/command.ts';
import { linuxForwarding } from '../../wg/forwarding.ts';
import { createNetwork } from '../../wg/network.ts';
import { hostRoutes } from '../../wg/routes.ts';
import { linuxSystem } from '../../wg/system.linux.ts';
import type { AuditTrail } from '../audit/trail.ts';
import type { ChannelServer } from '../channel/server.ts';
import type { EventLog } from '../events/log.ts';
import type { Bastions, HaNodes } from '../ha/bastions.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { type BastionsParts, DeviceBastions } from './bastions.ts';
import { forwardingMemory } from './forwarding-memory.ts';
import { vpnHandlers } from './operations.ts';
import { INTERFACES, Services } from './services.ts';

export interface VpnParts {
  readonly store: Store;
  readonly events: EventLog;
  readonly audit: AuditTrail;
  readonly clock: Clock;
  readonly keys: Pick<KeyRing, 'get' | 'put' | 'forget' | 'seal' | 'unseal' | 'signingKey' | 'derive'>;
  readonly channels: BastionsParts['channels'] & Pick<ChannelServer, 'attach'>;
  /** Read when it is asked: pairs are made of services. */
  readonly pairs: () => HaNodes;
  readonly heard: BastionsParts['heard'];
  /** As they were when the engine started. */
  readonly settings: { readonly tunnel_network: string; readonly tunnel_port: number };
  readonly log: Logger;
}

export const createVpn = (parts: VpnParts) => {
  const { store, settings } = parts;
  const forwarding = linuxForwarding(
    { memory: forwardingMemory(store), run: runCommand, table: 'borealis_forward' },
    INTERFACES,
  );
  const pairs: HaNodes = {
    nodesOf: (vpnId) => parts.pairs().nodesOf(vpnId),
    deleted: (tx, vpnId) => parts.pairs().deleted(tx, vpnId),
  };
  const devices = new DeviceBastions({ ...parts, forwarding, pairs });
  parts.channels.attach(devices.consumer);
  const services = new Services({
    ...parts,
    devices,
    forwarding,
    networkOf: (name) => createNetwork(linuxSystem(name)),
    routes: () => hostRoutes({ run: runCommand }),
    tunnelNetwork: settings.tunnel_network,
  });
  return {
    services,
    /** For pairs. */
    bastions: devices as Bastions,
    operations: vpnHandlers({ services, tunnelPort: settings.tunnel_port }),
    start: () => services.start(),
    close: () => services.close(),
  };
};
