/** The network that the open tunnels want of this host. Pure. */
import { AGENT_PORT } from '../../protocol/tunnel.ts';
import { type Network, without } from '../../wg/addresses.ts';
import type { OutgoingAllowance, WantedNetwork } from '../../wg/types.ts';
import { portOf, type Session } from './session.ts';

export interface EngineEnd {
  readonly interfaceName: string;
  readonly privateKey: string;
  readonly listenPort: number;
  /** `10.255.0.1`, the first of the network's. */
  readonly address: string;
  readonly network: Network;
  /** Of this process. */
  readonly uid: number;
}

/** Seconds. A device that hears nothing for two of them looks for another way (agent/tunnel). */
const KEEPALIVE = 1;

/** `holes`: parts of the network that the host has other uses for; no route of ours leads there. */
export const wantedNetwork = (
  end: EngineEnd,
  sessions: Iterable<Session>,
  holes: readonly Network[],
): WantedNetwork => {
  const whole = holes.length === 0;
  const all = [...sessions];
  return {
    interfaces: [
      {
        name: end.interfaceName,
        privateKey: end.privateKey,
        listenPort: end.listenPort,
        // The kernel's own route comes with the prefix.
        addresses: [`${end.address}/${whole ? end.network.length : 32}`],
        routes: whole ? [] : without(end.network, holes).map(({ text }) => text),
        peers: all.flatMap(({ publicKey, address, probeKey }) => [
          { publicKey, allowedIps: [`${address}/32`], persistentKeepalive: KEEPALIVE },
          ...(probeKey === null ? [] : [{ publicKey: probeKey, allowedIps: [] }]),
        ]),
      },
    ],
    firewall: [
      {
        name: end.interfaceName,
        addresses: [end.address],
        outgoing: all.flatMap((session) => allowances(session, end.uid)),
        incoming: [],
      },
    ],
  };
};

/** The engine's own processes reach what is allowed; those of operators what they were granted, while they hold it. */
const allowances = ({ address, ports, grants }: Session, engine: number): OutgoingAllowance[] => [
  { address, protocol: 'tcp', port: AGENT_PORT, uid: engine },
  ...ports.map((text) => ({ address, ...portOf(text), uid: engine })),
  ...[...grants].map(({ uid, port }) => ({ address, protocol: 'tcp' as const, port, uid })),
];
