/** Room on the disk for recordings: so much is left to the engine itself, whatever shells print. */
import { BorealisError } from '../../protocol/errors.ts';
import type { Clock } from '../../sys/clock.ts';
import type { DiskUsage } from '../../sys/disk.ts';

/** Bytes. */
const RESERVE = 134_217_728;
/** What was measured holds for this long, for all recordings. */
const HOLDS_MS = 1_000;

export class Room {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #diskUsage: (path: string) => Promise<DiskUsage>;
  readonly #reserve: number;
  #measured: Promise<DiskUsage> | undefined;
  #at = 0;

  constructor(
    directory: string,
    clock: Clock,
    diskUsage: (path: string) => Promise<DiskUsage>,
    reserve: number = RESERVE,
  ) {
    this.#directory = directory;
    this.#clock = clock;
    this.#diskUsage = diskUsage;
    this.#reserve = reserve;
  }

  /** Errors: DISK_FULL. */
  async demand(): Promise<void> {
    const now = this.#clock.monotonic();
    if (!this.#measured || now - this.#at > HOLDS_MS) {
      this.#at = now;
      this.#measured = this.#diskUsage(this.#directory);
    }
    const { free, total } = await this.#measured;
    // On a small disk a tenth is enough.
    if (free >= Math.min(this.#reserve, total / 10)) return;
    throw new BorealisError('DISK_FULL', { detail: 'What is left is kept for the engine itself.' });
  }
}
