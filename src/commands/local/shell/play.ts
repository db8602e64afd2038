/** A recording shown at its own pace, or at another, in the terminal that a person sits at. */
import { setTimeout as rest } from 'node:timers/promises';
import { plain } from '../../manner/text.ts';
import { position } from '../../shown/session.ts';
import type { Cast } from './cast.ts';
import type { TerminalWindow } from './window.ts';

export interface Playing {
  readonly window: TerminalWindow;
  readonly cast: Cast;
  /** For the title. */
  readonly name: string;
  /** 2 is twice as fast. */
  readonly speed: number;
  /** No pause lasts longer than so many seconds, before speed counts. */
  readonly idleLimit: number;
  /** Seconds: what came before is shown at once. */
  readonly from: number;
}

export interface Played {
  /** Where it ended or was left. */
  readonly at: number;
  /** By whom it was ended before its end. */
  readonly left: 'key' | NodeJS.Signals | null;
}

const CTRL_C = '\u0003';
const SPACE = ' ';

/** Errors: those of the cast. The window is given back before. */
export const play = async (playing: Playing): Promise<Played> => {
  const player = new Player(playing);
  try {
    return await player.run();
  } finally {
    playing.window.close();
  }
};

class Player {
  readonly #playing: Playing;
  #at = 0;
  /** When the next event is to be shown, by performance.now(). */
  #due = 0;
  #left: Played['left'] = null;
  #paused = false;
  /** One event more, then it stands again. */
  #step = false;
  #wake = new AbortController();

  constructor(playing: Playing) {
    this.#playing = playing;
  }

  async run(): Promise<Played> {
    const { window, cast, from, speed, idleLimit } = this.#playing;
    window.open({
      typed: (bytes) => this.#typed(bytes.toString('latin1')),
      resized: () => {},
      continued: () => {},
      ended: (signal) => this.#leave(signal),
    });
    await window.clear(true);
    this.#showTitle();
    this.#due = performance.now();
    for await (const { at, type, data } of cast.events) {
      const gap = Math.min(at - Math.max(this.#at, from), idleLimit);
      if (at > from) {
        this.#due += (Math.max(0, gap) * 1_000) / speed;
        await this.#wait();
      }
      if (this.#left) break;
      this.#at = at;
      if (type === 'output') await window.show(Buffer.from(data, 'utf8'));
    }
    return { at: this.#at, left: this.#left };
  }

  /** Until the next event is due, and as long as it is paused. */
  async #wait(): Promise<void> {
    while (!this.#left) {
      const now = performance.now();
      if (this.#paused && this.#step) {
        this.#step = false;
        this.#due = now;
        return;
      }
      const paused = this.#paused;
      const left = paused ? LONG : this.#due - now;
      if (left <= 0) return;
      // A key ends it early; what is to be done is asked anew.
      await rest(Math.min(left, LONG), undefined, { signal: this.#wake.signal }).catch(() => {});
      if (paused) this.#due += performance.now() - now;
    }
  }

  #typed(keys: string): void {
    // What the terminal says by itself, and arrows: no key of ours.
    if (keys.startsWith('\u001b')) return;
    for (const key of keys) {
      if (key === 'q' || key === CTRL_C) return void this.#leave('key');
      if (key === SPACE) this.#paused = !this.#paused;
      else if (key === '.' && this.#paused) this.#step = true;
      else continue;
      this.#showTitle();
      this.#interrupt();
    }
  }

  #leave(how: 'key' | NodeJS.Signals): void {
    this.#left ??= how;
    this.#interrupt();
  }

  #interrupt(): void {
    this.#wake.abort();
    this.#wake = new AbortController();
  }

  #showTitle(): void {
    const { window, name } = this.#playing;
    window.title(plain(`${name}${this.#paused ? ` · paused at ${position(this.#at)}` : ''}`));
  }
}

/** Of a timer. */
const LONG = 86_400_000;
