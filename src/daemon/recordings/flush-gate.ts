/** Few recordings are written at the same moment: what deflates, seals and writes must leave the processor to others. */

const AT_ONCE = 2;

export class FlushGate {
  readonly #atOnce: number;
  #inside = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(atOnce: number = AT_ONCE) {
    this.#atOnce = atOnce;
  }

  /** Resolves, in the order of the calls, when there is a place; the function returned gives it back. */
  async enter(): Promise<() => void> {
    if (this.#inside < this.#atOnce) this.#inside += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    let out = false;
    return () => {
      if (out) return;
      out = true;
      const next = this.#waiting.shift();
      // In a turn of its own: between two that are written, the loop does something else.
      if (next) setImmediate(next);
      else this.#inside -= 1;
    };
  }
}
