/** How far something is that is counted in bytes, how fast it goes, and how long the rest takes at that. */
import { bytes, percent } from './size.ts';
import { span } from './time.ts';

const BAR_CELLS = 20;
/** The speed is that of the last so many milliseconds. */
const SPEED_MS = 5_000;
/** Of less than this a speed says nothing. */
const LEAST_MS = 200;

export class Pace {
  readonly #now: () => number;
  readonly #samples: { readonly at: number; readonly bytes: number }[] = [];

  /** `now`: milliseconds of a clock that only goes forward. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** What came before says nothing of how fast the rest will go. */
  forget(): void {
    this.#samples.length = 0;
  }

  /** `total`: undefined where nobody knows; `grows` where it is what is known so far. */
  text(done: number, total: number | undefined, { grows = false } = {}): string {
    const speed = this.#speed(done);
    const going = speed > 0 ? [`${bytes(speed)}/s`] : [];
    if (total === undefined) return [bytes(done), ...going].join(' · ');
    const share = total === 0 ? 0 : Math.min(1, done / total);
    const full = Math.round(share * BAR_CELLS);
    const bar = `${'█'.repeat(full)}${'░'.repeat(BAR_CELLS - full)}`;
    return [
      grows ? bar : `${bar} ${percent(Math.min(done, total), total)}`,
      `${bytes(done)} of ${bytes(total)}${grows ? ' so far' : ''}`,
      ...going,
      ...(speed > 0 && !grows ? [`${span((total - done) / speed)} left`] : []),
    ].join(' · ');
  }

  /** Bytes a second. */
  #speed(done: number): number {
    const now = this.#now();
    const samples = this.#samples;
    samples.push({ at: now, bytes: done });
    while (samples.length > 2 && now - samples[0]!.at > SPEED_MS) samples.shift();
    const { at, bytes: before } = samples[0]!;
    return now - at < LEAST_MS ? 0 : ((done - before) * 1_000) / (now - at);
  }
}
