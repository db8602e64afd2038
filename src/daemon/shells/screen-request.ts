/** One screen at a time is asked of the agent: it comes in its place in the output, so it serves all who wait by then. */
import type { ShellScreen } from '../../protocol/agent-port.ts';

/** Characters; a screen that is larger than this is none. */
const SCREEN_MAX = 8_388_608;

export class ScreenRequest {
  #id = 0;
  #asked = false;
  #parts: string[] = [];
  #length = 0;

  /** The id to ask with; undefined where one is on its way already. */
  ask(): number | undefined {
    if (this.#asked) return undefined;
    this.#asked = true;
    this.#id += 1;
    return this.#id;
  }

  /** What was asked for will not come any more. */
  forget(): void {
    this.#asked = false;
    this.#parts = [];
    this.#length = 0;
  }

  /** The whole screen once its last part is there. Throws RangeError where it grows beyond all measure. */
  take({ id, data, last }: ShellScreen): string | undefined {
    if (id !== this.#id || !this.#asked) return undefined;
    this.#parts.push(data);
    this.#length += data.length;
    if (this.#length > SCREEN_MAX) throw new RangeError('it sends a screen without end');
    if (!last) return undefined;
    const whole = this.#parts.join('');
    this.forget();
    return whole;
  }
}
