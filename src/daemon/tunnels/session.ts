/** One open tunnel, in memory. */
import { randomBytes } from 'node:crypto';
import { BorealisError } from '../../protocol/errors.ts';
import { AGENT_PORT } from '../../protocol/tunnel.ts';
import type { AllowedPort } from '../../protocol/tunnel-session.ts';
import type { TunnelSession } from './tunnels.ts';

export interface Grant {
  readonly uid: number;
  readonly port: number;
  /** Settles when the port is no longer an allowed one. */
  readonly withdrawn: PromiseWithResolvers<void>;
}

export interface Session {
  readonly tunnelId: string;
  readonly guid: string;
  name: string;
  readonly address: string;
  /** The device's, of WireGuard. */
  publicKey: string;
  /** Of a relay's probes (relay.ts), while one is open: WireGuard answers its handshakes, and nothing else. */
  probeKey: string | null;
  ports: readonly string[];
  readonly operators: Set<string>;
  readonly startedAt: number;
  /** Milliseconds since 1970: when an operator used it last, when that was stored, when it was last told of. */
  usedAt: number;
  storedAt: number;
  /** When its use was told of last. */
  activityAt: number;
  toldAt: number;
  /** When the device was last sent an `open`. */
  openedAt: number;
  /** Settles when packets pass for the first time, or again after the engine's interface was lost, or it has failed. */
  ready: PromiseWithResolvers<void>;
  passing: boolean;
  /** Settles when the next engine would take it up. */
  kept: Promise<void>;
  /** Settles when the device says that its end is as it was told. */
  settled: PromiseWithResolvers<void> | undefined;
  /** Ports that operators' own processes may reach now. */
  readonly grants: Set<Grant>;
  closed: boolean;
}

/** `22/tcp` as the protocol to the device has it. */
export const portOf = (text: string): AllowedPort => {
  const [port, protocol] = text.split('/');
  return { port: Number(port), protocol: protocol === 'udp' ? 'udp' : 'tcp' };
};

export const readiness = (): PromiseWithResolvers<void> => {
  const ready = Promise.withResolvers<void>();
  // Whoever waits for it handles it; where nobody does, the log has it.
  ready.promise.catch(() => {});
  return ready;
};

/** One that is wanted; nothing of it stands yet. */
export const newSession = (of: {
  guid: string;
  name: string;
  address: string;
  ports: readonly string[];
  publicKey: string;
  now: number;
}): Session => {
  const { now, ...rest } = of;
  return {
    ...rest,
    tunnelId: randomBytes(12).toString('base64url'),
    operators: new Set(),
    startedAt: now,
    usedAt: now,
    storedAt: now,
    activityAt: 0,
    toldAt: 0,
    openedAt: 0,
    ready: readiness(),
    passing: false,
    kept: Promise.resolve(),
    settled: undefined,
    grants: new Set(),
    probeKey: null,
    closed: false,
  };
};

export const isAllowed = ({ ports }: Session, port: number): boolean =>
  port === AGENT_PORT || ports.includes(`${port}/tcp`);

/** Errors: PORT_NOT_ALLOWED. */
export const demandAllowed = (session: Session, port: number): void => {
  if (isAllowed(session, port)) return;
  throw new BorealisError('PORT_NOT_ALLOWED', {
    detail: `Of ${session.name} are allowed: ${session.ports.join(', ') || 'none'}.`,
    next: `Allow it: borealisctl tunnel ports ${session.name} --set ${[...session.ports, port].join(',')}`,
  });
};

export const viewOf = ({ tunnelId, guid, name, address }: Session): TunnelSession => ({
  tunnelId,
  guid,
  device: name,
  address,
});
