/** Time as an argument, so that tests can turn it. */
import { readClockState } from './clock.linux.ts';

export interface Clock {
  /** Milliseconds since 1970 UTC; may jump when the system clock is set. */
  now(): number;
  /** Milliseconds that only grow; for measuring spans. */
  monotonic(): number;
}

export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };

export interface ClockSynchronisation {
  /** Null where the system does not say. */
  readonly synchronised: boolean | null;
  /** What the kernel still has to correct, in milliseconds; null where not synchronised or not known. */
  readonly offsetMs: number | null;
  /** The kernel's estimate of how far off the clock may be, in milliseconds. */
  readonly estimatedErrorMs: number | null;
  /** The time service that runs, by the name of its process; null where none is seen. */
  readonly source: string | null;
}

/** Does something keep the clock of this machine right? Never rejects. */
export const clockSynchronised = async (): Promise<ClockSynchronisation> => {
  const unknown = { synchronised: null, offsetMs: null, estimatedErrorMs: null, source: null };
  if (process.platform !== 'linux') return unknown;
  try {
    return await readClockState();
  } catch {
    return unknown; // no C library, or a container that forbids even reading; then nobody knows
  }
};
