/** Reaches shells again that were lost: as long as their tunnel is up, or an operator watches who may bring it up. */
import { setTimeout as rest } from 'node:timers/promises';
import type { Logger } from 'pino';
import { BorealisError } from '../../protocol/errors.ts';
import type { Clock } from '../../sys/clock.ts';
import type { Tunnels } from '../tunnels/tunnels.ts';
import type { RunningShell } from './running-shell.ts';

export interface Backoff {
  /** Milliseconds before the second try, doubled up to the most. */
  readonly first: number;
  readonly most: number;
}

const BACKOFF: Backoff = { first: 500, most: 15_000 };

export interface KeeperParts {
  readonly tunnels: Pick<Tunnels, 'current'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly backoff?: Backoff | undefined;
}

export class Keeper {
  readonly #parts: KeeperParts;
  readonly #stop = new AbortController();
  readonly #triedAt = new WeakMap<RunningShell, number>();
  /** Shells that are tried for, and what ends the rest before the next try. */
  readonly #trying = new Map<RunningShell, () => void>();

  constructor(parts: KeeperParts) {
    this.#parts = parts;
  }

  /** Once `ready`. Where it is tried for already, the next try is now. */
  keep(shell: RunningShell, ready: Promise<void>): void {
    const wake = this.#trying.get(shell);
    if (wake) return void wake();
    this.#trying.set(shell, () => {});
    void ready.then(() => this.#try(shell)).finally(() => this.#trying.delete(shell));
  }

  async #try(shell: RunningShell): Promise<void> {
    const { first, most } = this.#parts.backoff ?? BACKOFF;
    const { clock } = this.#parts;
    // One that lets itself be reached and is lost at once is not tried for without end.
    const since = clock.monotonic() - (this.#triedAt.get(shell) ?? -Infinity);
    if (since < first) await this.#rest(shell, first - since);
    for (let wait = first; this.#isWanted(shell); wait = Math.min(most, wait * 2)) {
      this.#triedAt.set(shell, clock.monotonic());
      try {
        await shell.reach(shell.audience.operator);
      } catch (error) {
        if (!(error instanceof BorealisError)) throw error;
        this.#parts.log.debug({ err: error, shell: shell.facts.id }, 'a shell is not reached yet');
      }
      // Also where it was reached, and lost before this was told.
      if (this.#isWanted(shell)) await this.#rest(shell, wait);
    }
  }

  #isWanted(shell: RunningShell): boolean {
    if (this.#stop.signal.aborted || shell.over || shell.reachable) return false;
    return (
      this.#parts.tunnels.current(shell.facts.guid) !== undefined || shell.audience.operator !== undefined
    );
  }

  async #rest(shell: RunningShell, ms: number): Promise<void> {
    const woken = new AbortController();
    this.#trying.set(shell, () => woken.abort());
    const signal = AbortSignal.any([this.#stop.signal, woken.signal]);
    // Aborted or not, what is to be done is looked at anew.
    await rest(ms, undefined, { signal, ref: false }).catch(() => {});
  }

  close(): void {
    this.#stop.abort();
  }
}
