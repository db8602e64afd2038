/** The last measurements of each device, for the small charts in the list: numbers only, so that ten thousand cost little. */
import type { TelemetrySample } from '../../protocol/telemetry.ts';

/** Agents measure each 30 s: ten minutes. */
export const KEPT = 20;

export class Measurements {
  /** CPU in percent, oldest first; a byte each, 255 where nothing was measured yet. */
  readonly #cpu = new Map<string, Uint8Array>();
  readonly #newest = new Map<string, TelemetrySample>();
  /** Full samples are kept for so many devices, the last heard of. */
  readonly #most: number;

  constructor(most = 2_000) {
    this.#most = most;
  }

  add(guid: string, sample: TelemetrySample): void {
    let ring = this.#cpu.get(guid);
    if (!ring) {
      ring = new Uint8Array(KEPT).fill(255);
      this.#cpu.set(guid, ring);
    }
    ring.copyWithin(0, 1);
    ring[KEPT - 1] = Math.round(sample.cpu_percent);
    this.#newest.delete(guid);
    this.#newest.set(guid, sample);
    if (this.#newest.size > this.#most) this.#newest.delete(this.#newest.keys().next().value ?? '');
  }

  cpu(guid: string): Uint8Array | undefined {
    return this.#cpu.get(guid);
  }

  newest(guid: string): TelemetrySample | undefined {
    return this.#newest.get(guid);
  }

  /** What was measured before somebody looked. */
  seed(guid: string, samples: readonly TelemetrySample[]): void {
    const ring = new Uint8Array(KEPT).fill(255);
    const last = samples.slice(-KEPT);
    for (const [index, sample] of last.entries())
      ring[KEPT - last.length + index] = Math.round(sample.cpu_percent);
    this.#cpu.set(guid, ring);
    const newest = samples.at(-1);
    if (newest) this.#newest.set(guid, newest);
  }
}
