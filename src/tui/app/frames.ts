/** When a picture is drawn: for a key at once, for news a few times a second, and never faster than the line takes it. */

/** News are gathered for so long. */
const NEWS_MS = 250;
/** Of pictures that news alone have changed, at most so many bytes a second on average: half of a slow line. */
const NEWS_BYTES_PER_S = 14_000;
/** Ages grow, the clock goes on. */
const ROUND_MS = 5_000;

export interface FramesOptions {
  /** Draws, and returns the bytes that were written. */
  readonly draw: () => number;
  readonly congested: () => boolean;
  readonly drained: (then: () => void) => void;
}

export class Frames {
  readonly #options: FramesOptions;
  #immediate: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;
  #round: NodeJS.Timeout | undefined;
  #nextNews = 0;
  #waitsForDrain = false;
  paused = true;

  constructor(options: FramesOptions) {
    this.#options = options;
  }

  start(): void {
    this.paused = false;
    this.#round ??= setInterval(() => this.later(), ROUND_MS);
    this.soon();
  }

  stop(): void {
    this.paused = true;
    clearInterval(this.#round);
    this.#round = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    clearImmediate(this.#immediate);
    this.#immediate = undefined;
  }

  /** Somebody has pressed a key and waits. Keys that came together share a picture. */
  soon(): void {
    if (this.paused) return;
    this.#immediate ??= setImmediate(() => {
      this.#immediate = undefined;
      this.#draw(false);
    });
  }

  /** Something has happened. */
  later(): void {
    if (this.paused || this.#timer) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#draw(true);
      },
      Math.max(NEWS_MS, this.#nextNews - performance.now()),
    );
  }

  #draw(news: boolean): void {
    if (this.paused) return;
    if (this.#options.congested()) {
      if (this.#waitsForDrain) return;
      this.#waitsForDrain = true;
      this.#options.drained(() => {
        this.#waitsForDrain = false;
        this.soon();
      });
      return;
    }
    const bytes = this.#options.draw();
    if (news) this.#nextNews = performance.now() + (1_000 * bytes) / NEWS_BYTES_PER_S;
  }
}
