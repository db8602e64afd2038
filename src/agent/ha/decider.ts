/**
 * Who decides which node of a pair has the floating address: the two nodes and the engine by vote (lease.ts), or VRRP
 * (keepalived/decider.ts). What a node does about it is the same for both: duty.ts.
 */
import type { VoteMessage } from '../../ha/node.ts';
import type { FloatingAddress } from '../../ha/platform.ts';
import type { HostedHa } from '../../protocol/bastion.ts';
import type { Clock } from '../../sys/clock.ts';
import type { AgentLog } from '../log.ts';

export const WITNESS = 'witness';
export type Voting = 'other' | typeof WITNESS;

/** What a decider is given. */
export interface DeciderParts {
  readonly ha: HostedHa;
  /** Of this process: `<guid>/<random>`. */
  readonly name: string;
  readonly address: FloatingAddress;
  readonly clock: Clock;
  readonly log: AgentLog;
  /** Nothing speaks against asking for the address: no stranger has it, and this node knows all that the other one does. */
  readonly mayAsk: (now: number) => boolean;
  readonly send: (to: Voting, message: VoteMessage) => void;
  /** The other one was heard to have it. */
  readonly otherHas: () => void;
  /** When that was last; -Infinity: never, or it had been here since. */
  readonly otherHadAt: () => number;
  /** Traffic for the address comes here from now on. */
  readonly took: () => void;
  /** It is gone from this node already. May be told where it was not had. */
  readonly lost: () => void;
  /** This node could not have it, or keep it. It is told before `lost`. */
  readonly failed: (error: Error) => void;
}

export interface Decider {
  /** For a while both may have the address; then one of them stays. */
  readonly mayBeTwo?: boolean;
  start(): void;
  /** Each few tens of milliseconds. */
  tick(now: number): void;
  /** Somebody is known to have it, and to be well. */
  isKept(now: number): boolean;
  /** Would not take it now, having given it up just before. */
  rests(now: number): boolean;
  /** Gives it up, for the other one to take, and does not ask for so long. Resolves when it is gone from here. */
  release(restMs: number): Promise<void>;
  voted(from: Voting, name: string, message: VoteMessage, now: number): void;
  /** The address is gone from here, and nothing is left behind. */
  close(): Promise<void>;
}

export type MakeDecider = (parts: DeciderParts) => Decider;
