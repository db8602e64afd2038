/** What this room needs of the machine, so that a simulation can stand in for it. */
import type { CommandRunner } from '../sys/command.ts';
import type { PortHolder } from '../sys/ports.ts';
import type { ElementChange } from './plan.ts';

export interface WgSystem {
  readonly run: CommandRunner;
  /** Name of our table of nftables: an engine and an agent on one machine have one each. */
  readonly table: string;
  /**
   * One request to a process of wireguard-go and its whole answer; null where nobody answers at the path.
   * Errors: TIMED_OUT where somebody accepts and then says nothing.
   */
  readonly ask: (interfaceName: string, request: string) => Promise<string | null>;
  /** The processes of wireguard-go that we started for the interface, in this network namespace. */
  readonly processes: (interfaceName: string) => Promise<readonly number[]>;
  readonly kill: (pid: number) => void;
  /** Quickly, without a command. */
  readonly hasLink: (interfaceName: string) => Promise<boolean>;
  /** Whether our table of nftables is there; quickly, without a command. */
  readonly hasTable: () => Promise<boolean>;
  /** In our table; quickly, without a command. All or nothing. Errors: NET_ADMIN_REQUIRED, COMMAND_FAILED. */
  readonly changeElements: (changes: readonly ElementChange[]) => Promise<void>;
  /** Removes the socket of wireguard-go, if it is there. */
  readonly removeSocket: (interfaceName: string) => Promise<void>;
  /** `likely` are looked at first: to look at all processes takes a hundred times as long. */
  readonly udpPortHolder: (port: number, likely: readonly number[]) => Promise<PortHolder | null>;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

/** Milliseconds until a command of this room has ended: with 10,000 peers on a slow machine too. */
export const COMMAND_TIMEOUT_MS = 30_000;
/** A listing of 10,000 devices' ports or peers. */
export const COMMAND_OUTPUT_BYTES = 64 * 1024 * 1024;

const LOOK_MS = 10;

/** True as soon as `holds` does, false where it does not within `ms`. */
export const waitUntil = async (
  { now, sleep }: Pick<WgSystem, 'now' | 'sleep'>,
  holds: () => Promise<boolean>,
  ms: number,
): Promise<boolean> => {
  const until = now() + ms;
  for (;;) {
    if (await holds()) return true;
    if (now() >= until) return false;
    await sleep(LOOK_MS);
  }
};
