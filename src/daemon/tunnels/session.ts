/** One open tunnel, in memory. */
import type { AllowedPort } from '../../protocol/tunnel-session.ts';

export interface Grant {
  readonly uid: number;
  readonly port: number;
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
  /** Settles when packets pass for the first time, or it has failed. */
  readonly ready: PromiseWithResolvers<void>;
  passing: boolean;
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
