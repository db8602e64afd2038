/** Hands a shell's output to its screen, a slice at a time between other work: an echo must not wait for a flood. */
import type { TerminalSize } from './pty.ts';
import type { OutputRing } from './ring.ts';
import type { Screen } from './screen.ts';

/** About a millisecond's work. */
const SLICE_BYTES = 16_384;

interface Mark {
  readonly offset: number;
  readonly act: (screen: Screen | null) => void;
}

export interface ScreenFeedOptions {
  readonly ring: OutputRing;
  /** Of the terminal at the start. */
  readonly screen: Promise<Screen>;
  /** The screen has caught up by some bytes. */
  readonly onProgress: () => void;
  /** It could not be loaded, or what was written to it was too much for it; it goes on as well as it can. */
  readonly onTrouble: (error: unknown) => void;
}

export class ScreenFeed {
  readonly #options: ScreenFeedOptions;
  readonly #marks: Mark[] = [];
  #screen: Screen | null | undefined;
  #fed = 0;
  #next: NodeJS.Immediate | undefined;
  #closed = false;

  constructor(options: ScreenFeedOptions) {
    this.#options = options;
    options.screen.then(
      (screen) => this.#loaded(screen),
      (error: unknown) => {
        options.onTrouble(error);
        this.#loaded(null);
      },
    );
  }

  /** Bytes that the screen has not seen. The ring must keep them. */
  get behind(): number {
    return this.#screen === null ? 0 : this.#options.ring.end - this.#fed;
  }

  /** There is more in the ring. */
  poke(): void {
    if (!this.#closed && this.#screen !== undefined) this.#next ??= setImmediate(() => this.#step());
  }

  resize(size: TerminalSize): void {
    this.#mark((screen) => screen?.resize(size));
  }

  /** The screen as it is after all output so far; empty where there is none. `told` is called with it, later. */
  serialize(told: (data: string) => void): void {
    this.#mark((screen) => {
      let data = '';
      try {
        data = screen?.serialize() ?? '';
      } catch (error) {
        this.#options.onTrouble(error);
      }
      told(data);
    });
  }

  close(): void {
    this.#closed = true;
    clearImmediate(this.#next);
    this.#next = undefined;
    this.#marks.length = 0;
    this.#screen?.dispose();
  }

  #mark(act: Mark['act']): void {
    this.#marks.push({ offset: this.#options.ring.end, act });
    this.poke();
  }

  #loaded(screen: Screen | null): void {
    if (this.#closed) screen?.dispose();
    this.#screen = screen;
    this.poke();
  }

  #step(): void {
    this.#next = undefined;
    const { ring, onProgress } = this.#options;
    const screen = this.#screen ?? null;
    if (!screen) this.#fed = ring.end;
    this.#act(screen);
    const until = this.#marks[0]?.offset ?? ring.end;
    if (screen && this.#fed < until) {
      const slice = ring.read(this.#fed, Math.min(SLICE_BYTES, until - this.#fed));
      this.#fed += slice.length;
      this.#write(screen, slice);
      this.#act(screen);
    }
    if (this.#fed < ring.end || this.#marks.length > 0) this.poke();
    onProgress();
  }

  #act(screen: Screen | null): void {
    while (this.#marks[0] && this.#marks[0].offset <= this.#fed) this.#marks.shift()?.act(screen);
  }

  #write(screen: Screen, slice: Uint8Array): void {
    try {
      screen.write(slice);
    } catch (error) {
      this.#options.onTrouble(error);
    }
  }
}
