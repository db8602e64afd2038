/** One VPN service with its connections, kept current while it is looked at. */
import type { OutputOf } from '../../protocol/operations.ts';
import type { App } from '../app/app.ts';
import { Resource } from './resource.ts';

/** Handshakes and bytes come without events. */
const EVERY_MS = 5_000;

export type VpnStatus = Resource<OutputOf<'vpn.status'>>;

export const vpnStatus = ({ client, host }: App, vpn: string): VpnStatus =>
  new Resource(
    {
      fetch: (signal) => client.call('vpn.status', { vpn }, { signal }),
      events: ['vpn.changed', 'connection.'],
      everyMs: EVERY_MS,
    },
    () => host.later(),
  );
