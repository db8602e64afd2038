/** What a node's part in a pair needs: WireGuard of the service there, the address, the line to the other one. */
import type { VoteMessage } from '../../ha/node.ts';
import type { Datagrams, FloatingAddress } from '../../ha/platform.ts';
import type { HostedHa } from '../../protocol/bastion.ts';
import type { Clock } from '../../sys/clock.ts';
import type { AgentLog } from '../log.ts';
import type { MakeDecider } from './decider.ts';
import type { PeerPlace } from './endpoints.ts';
import type { SwitchLog } from './switch-log.ts';
import type { CountedPeer } from './takeover.ts';

/** WireGuard of the service on this node. */
export interface DutyService {
  peers(): Promise<readonly (PeerPlace & CountedPeer)[] | null>;
  /** Public keys of all that are let in. */
  clients(): ReadonlySet<string>;
  /** Where clients were when they were last seen on this node, or told of, by public key; known from before it began too. */
  places(): ReadonlyMap<string, string>;
  /** So says the other one, which has the address: kept for an agent that comes after this one. */
  learnPlaces(endpoints: Iterable<readonly [publicKey: string, endpoint: string]>): void;
  /** In one change. */
  startHandshakes(endpoints: ReadonlyMap<string, string>, keepaliveSeconds: number): Promise<void>;
  settle(): Promise<void>;
  /** Forgets all sessions: a client that has another one with the other node must be called anew. */
  clearSessions(): Promise<void>;
}

export interface DutyParts {
  readonly ha: HostedHa;
  /** Of the service's state that is in force. */
  readonly revision: () => number;
  readonly address: FloatingAddress;
  readonly datagrams: Datagrams;
  /** Of the pair's driver (driver.ts); the engine's own lease where it is not given. */
  readonly decide?: MakeDecider;
  readonly service: DutyService;
  readonly switches: SwitchLog;
  /** To the engine's vote; lost where there is no channel. */
  readonly ask: (from: string, message: VoteMessage) => void;
  /** Something of `state` or of the switches has changed. */
  readonly told: () => void;
  readonly clock: Clock;
  readonly log: AgentLog;
}
