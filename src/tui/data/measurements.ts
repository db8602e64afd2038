/** The last measurements of each device, for the small charts in the list: numbers only, so that ten thousand cost little. */
import type { TelemetrySample } from '../../protocol/telemetry.ts';

/** Agents measure each 30 s: ten minutes. */
export const KEPT = 20;

/** Nothing was measured. */
const NONE = 255;
/** Devices for which there is room at first. */
const FIRST_ROOM = 256;
/** Asked for at once, so that a list that is scrolled through does not flood the engine. */
const AT_ONCE = 2;

export class Measurements {
  /**
   * CPU in percent, oldest first; a byte each, 255 where nothing was measured yet. All devices in one piece: an array
   * for each would take ten times its bytes.
   */
  #cpu = new Uint8Array(FIRST_ROOM * KEPT);
  /** Where in it a device's begin. */
  readonly #begins = new Map<string, number>();
  readonly #newest = new Map<string, TelemetrySample>();
  /** Full samples are kept for so many devices, the last heard of. */
  readonly #most: number;

  /** What was measured before: of devices that are looked at, once each. */
  readonly #ask: (guid: string) => Promise<readonly TelemetrySample[]>;
  readonly #asked = new Set<string>();
  readonly #waiting: string[] = [];
  #asking = 0;

  constructor(ask: (guid: string) => Promise<readonly TelemetrySample[]>, most = 2_000) {
    this.#ask = ask;
    this.#most = most;
  }

  /** Somebody looks at this device. The last that was looked at comes first. */
  want(guid: string): void {
    if (this.#asked.has(guid)) return;
    this.#asked.add(guid);
    this.#waiting.push(guid);
    void this.#next();
  }

  async #next(): Promise<void> {
    if (this.#asking >= AT_ONCE) return;
    const guid = this.#waiting.pop();
    if (guid === undefined) return;
    this.#asking++;
    try {
      this.#seed(guid, await this.#ask(guid));
    } catch {
      // Without its past the device is shown from now on; what is wrong is told elsewhere.
    }
    this.#asking--;
    void this.#next();
  }

  add(guid: string, sample: TelemetrySample): void {
    const ring = this.#ring(guid);
    ring.copyWithin(0, 1);
    ring[KEPT - 1] = Math.round(sample.cpu_percent);
    this.#newest.delete(guid);
    this.#newest.set(guid, sample);
    if (this.#newest.size > this.#most) this.#newest.delete(this.#newest.keys().next().value ?? '');
  }

  cpu(guid: string): Uint8Array | undefined {
    return this.#begins.has(guid) ? this.#ring(guid) : undefined;
  }

  /** The last that was measured. */
  cpuNow(guid: string): number | undefined {
    const begin = this.#begins.get(guid);
    const cpu = begin === undefined ? NONE : this.#cpu[begin + KEPT - 1];
    return cpu === NONE ? undefined : cpu;
  }

  newest(guid: string): TelemetrySample | undefined {
    return this.#newest.get(guid);
  }

  #seed(guid: string, samples: readonly TelemetrySample[]): void {
    const ring = this.#ring(guid).fill(NONE);
    const last = samples.slice(-KEPT);
    for (const [index, sample] of last.entries())
      ring[KEPT - last.length + index] = Math.round(sample.cpu_percent);
    const newest = samples.at(-1);
    if (newest) this.#newest.set(guid, newest);
  }

  /** A view of its part, made if there is none. */
  #ring(guid: string): Uint8Array {
    let begin = this.#begins.get(guid);
    if (begin === undefined) {
      begin = this.#begins.size * KEPT;
      this.#begins.set(guid, begin);
      if (begin + KEPT > this.#cpu.length) {
        const larger = new Uint8Array(2 * this.#cpu.length);
        larger.set(this.#cpu);
        this.#cpu = larger;
      }
      this.#cpu.fill(NONE, begin, begin + KEPT);
    }
    return this.#cpu.subarray(begin, begin + KEPT);
  }
}
