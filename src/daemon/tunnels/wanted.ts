/** The network that the open tunnels want of this host. Pure. */
import { AGENT_PORT } from '../../protocol/tunnel.ts';
import { type Network, without } from '../../wg/addresses.ts';
import type { OutgoingAllowance, WantedNetwork, WantedPeer } from '../../wg/types.ts';
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

/**
 * `holes`: parts of the network that the host has other uses for; no route of ours leads there. What is wanted for a session
 * as before is the same object as before (wg/since.ts).
 */
export const wantedNetwork = (
  end: EngineEnd,
  sessions: readonly Session[],
  holes: readonly Network[],
): WantedNetwork => {
  const whole = holes.length === 0;
  const all = sessions.map((session) => partOf(session, end.uid));
  return {
    interfaces: [
      {
        name: end.interfaceName,
        privateKey: end.privateKey,
        listenPort: end.listenPort,
        // The kernel's own route comes with the prefix.
        addresses: [`${end.address}/${whole ? end.network.length : 32}`],
        routes: whole ? [] : without(end.network, holes).map(({ text }) => text),
        peers: all.flatMap(({ peers }) => peers),
      },
    ],
    firewall: [
      {
        name: end.interfaceName,
        addresses: [end.address],
        outgoing: all.flatMap(({ allowances }) => allowances),
        incoming: [],
      },
    ],
  };
};

interface Part {
  /** All that it is made of. */
  readonly of: readonly unknown[];
  readonly peers: readonly WantedPeer[];
  readonly allowances: readonly OutgoingAllowance[];
}

const parts = new WeakMap<Session, Part>();

const partOf = (session: Session, engine: number): Part => {
  const { publicKey, probeKey, address, ports, grants } = session;
  const of = [publicKey, probeKey, address, ports, engine, ...grants];
  const before = parts.get(session);
  if (before?.of.length === of.length && before.of.every((one, index) => one === of[index])) return before;
  const part: Part = {
    of,
    peers: [
      { publicKey, allowedIps: [`${address}/32`], persistentKeepalive: KEEPALIVE },
      ...(probeKey === null ? [] : [{ publicKey: probeKey, allowedIps: [] }]),
    ],
    allowances: allowancesOf(session, engine),
  };
  parts.set(session, part);
  return part;
};

/** The engine's own processes reach what is allowed; those of operators what they were granted, while they hold it. */
const allowancesOf = ({ address, ports, grants }: Session, engine: number): OutgoingAllowance[] => [
  { address, protocol: 'tcp', port: AGENT_PORT, uid: engine },
  ...ports.map((text) => ({ address, ...portOf(text), uid: engine })),
  ...[...grants].map(({ uid, port }) => ({ address, protocol: 'tcp' as const, port, uid })),
];
