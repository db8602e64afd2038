/** The device's own end of the tunnel: its interface, its key, its table. */
import { networkInterfaces } from 'node:os';
import { BorealisError } from '../../protocol/errors.ts';
import { AGENT_PORT } from '../../protocol/tunnel.ts';
import type { TunnelOpen } from '../../protocol/tunnel-session.ts';
import type { HostUse } from '../../wg/host-uses.ts';
import type { Network } from '../../wg/network.ts';
import type { ObservedPeer, WantedNetwork } from '../../wg/types.ts';

export interface DeviceEndParts {
  readonly network: Network;
  readonly interfaceName: string;
  /** Base64; never leaves the device. */
  readonly privateKey: string;
  /** Of this host, whatever is not of that interface. */
  readonly uses: () => Promise<readonly HostUse[]>;
}

/** What may change while the tunnel stands. */
export interface Way {
  /** `ADDRESS:PORT` to which WireGuard sends; null: for a moment it has no peer. */
  readonly endpoint: string | null;
  /** Seconds. */
  readonly keepalive: number;
}

export interface EnginePeer extends ObservedPeer {
  /** UDP, of our own WireGuard. */
  readonly listenPort: number;
}

export class DeviceEnd {
  readonly #parts: DeviceEndParts;

  constructor(parts: DeviceEndParts) {
    this.#parts = parts;
  }

  /** Before the first `apply`. Errors: TUNNEL_UNSUPPORTED, NETWORK_OVERLAP. */
  async demandPossible(claims: TunnelOpen): Promise<void> {
    demandElsewhere(claims.engine_address);
    demandFree(claims, await this.#parts.uses());
  }

  /** Errors: TUNNEL_UNSUPPORTED, WG_INTERFACE_FOREIGN, PORT_TAKEN, NET_ADMIN_REQUIRED, WIREGUARD_MISSING, … (wg/apply.ts). */
  async apply(claims: TunnelOpen, way: Way): Promise<void> {
    demandElsewhere(claims.engine_address);
    await this.#parts.network.apply(wantedOf(claims, way, this.#parts));
  }

  /** Whether its firewall is there. */
  guarded(): Promise<boolean> {
    return this.#parts.network.guarded();
  }

  async remove(): Promise<void> {
    await this.#parts.network.teardown({ interfaces: [this.#parts.interfaceName], firewall: true });
  }

  /** Of the engine, the only peer; null where there is none. */
  async peer(): Promise<EnginePeer | null> {
    const device = await this.#parts.network.device(this.#parts.interfaceName);
    const peer = device?.peers[0];
    return device && peer ? { ...peer, listenPort: device.listenPort } : null;
  }
}

/** One peer, one address, no route but to the engine: nothing behind either end is reached. */
const wantedOf = (
  claims: TunnelOpen,
  { endpoint, keepalive }: Way,
  { interfaceName: name, privateKey }: DeviceEndParts,
): WantedNetwork => {
  const engine = `${claims.engine_address}/32`;
  return {
    interfaces: [
      {
        name,
        privateKey,
        addresses: [`${claims.device_address}/32`],
        routes: [engine],
        peers:
          endpoint === null
            ? []
            : [
                {
                  publicKey: claims.engine_key,
                  allowedIps: [engine],
                  endpoint,
                  persistentKeepalive: keepalive,
                },
              ],
      },
    ],
    firewall: [
      {
        name,
        addresses: [claims.device_address],
        outgoing: [],
        incoming: [{ protocol: 'tcp' as const, port: AGENT_PORT }, ...claims.allowed_ports].map((port) => ({
          ...port,
          address: claims.engine_address,
        })),
      },
    ],
  };
};

/** On the engine's own machine every packet would take the short way, past WireGuard and the firewall. */
const demandElsewhere = (engineAddress: string): void => {
  const own = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  if (!own.some(({ address }) => address === engineAddress)) return;
  throw new BorealisError('TUNNEL_UNSUPPORTED', {
    detail: "It is the engine's own machine.",
    next: 'What is there is reached without a tunnel.',
  });
};

/** It would lose what has one of the two addresses: its gateway, its resolver, or an address of its own. */
const demandFree = (claims: TunnelOpen, uses: readonly HostUse[]): void => {
  const both = [claims.engine_address, claims.device_address].map((address) => `${address}/32`);
  const lost = uses.find(({ network }) => both.includes(network));
  if (!lost) return;
  throw new BorealisError('NETWORK_OVERLAP', {
    detail: `${lost.network} is ${lost.what}; the engine needs another tunnel_network.`,
  });
};
