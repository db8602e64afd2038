/** Puts the VPN bastion of the engine's own host together. */
import type { Logger } from 'pino';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import { runCommand } from '../../sys/command.ts';
import { linuxForwarding } from '../../wg/forwarding.ts';
import { createNetwork } from '../../wg/network.ts';
import { hostRoutes } from '../../wg/routes.ts';
import { linuxSystem } from '../../wg/system.linux.ts';
import type { AuditTrail } from '../audit/trail.ts';
import type { EventLog } from '../events/log.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { forwardingMemory } from './forwarding-memory.ts';
import { vpnHandlers } from './operations.ts';
import { INTERFACES, Services } from './services.ts';

export interface VpnParts {
  readonly store: Store;
  readonly events: EventLog;
  readonly audit: AuditTrail;
  readonly clock: Clock;
  readonly keys: Pick<KeyRing, 'get' | 'put' | 'forget' | 'seal' | 'unseal'>;
  /** As they were when the engine started. */
  readonly settings: { readonly tunnel_network: string; readonly tunnel_port: number };
  readonly log: Logger;
}

export const createVpn = (parts: VpnParts) => {
  const { store, settings } = parts;
  const services = new Services({
    ...parts,
    networkOf: (name) => createNetwork(linuxSystem(name)),
    routes: () => hostRoutes({ run: runCommand }),
    forwarding: linuxForwarding(
      { memory: forwardingMemory(store), run: runCommand, table: 'borealis_forward' },
      INTERFACES,
    ),
    tunnelNetwork: settings.tunnel_network,
  });
  return {
    services,
    operations: vpnHandlers({ services, tunnelPort: settings.tunnel_port }),
    start: () => services.start(),
    close: () => services.close(),
  };
};
