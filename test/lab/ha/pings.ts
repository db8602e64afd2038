/** A ping each 10 ms through the tunnel, and what of it came back when. */
import { join } from 'node:path';
import type { Inside } from '../inside.ts';
import { Observer } from './observer.ts';

const INTERVAL_MS = 10;
/** Answers without a break longer than that are a flow: the machine has other things to do as well. */
const BREAK_MS = 150;
const FLOW = 30;

export interface Outage {
  /** Milliseconds of the longest time without an answer. */
  readonly silence: number;
  /** Of those that were sent, never answered. */
  readonly lost: number;
  /** Longest time in which nothing was asked: what the machine, not the network, adds to the silence. */
  readonly pause: number;
}

interface Seen {
  readonly sent: readonly [number, number][];
  readonly heard: readonly [number, number][];
}

export class Pings {
  readonly #observer: Observer<Seen>;
  /** By number: when sent; when it came back. */
  #sent = new Map<number, number>();
  #heard = new Map<number, number>();

  constructor(host: Inside, address: string, port: number) {
    const program = join(import.meta.dirname, 'ping-program.ts');
    const args = ['--no-warnings', program, address, String(port), String(INTERVAL_MS)];
    this.#observer = new Observer<Seen>(host.argv(process.execPath, ...args), ({ sent, heard }) => {
      for (const [number, at] of sent) this.#sent.set(number, at);
      for (const [number, at] of heard) this.#heard.set(number, at);
    });
  }

  /** Resolves when answers come steadily to what was asked after that moment. */
  async flow(after: number, ms = 60_000): Promise<void> {
    const steady = (): boolean => {
      const newest = [...this.#heard].slice(-FLOW);
      if (newest.length < FLOW || newest.some(([number]) => (this.#sent.get(number) ?? 0) <= after))
        return false;
      return longest(newest.map(([, at]) => at)) < BREAK_MS;
    };
    await this.#observer.until(steady, 'pings are answered', ms, () => this.#last());
  }

  /** What was lost after that moment, so far. Begins with the last answer before it; forgets what was earlier. */
  since(moment: number): Outage {
    const before = Math.max(...[...this.#heard.values()].filter((at) => at <= moment), moment - 1_000);
    this.#forget(before);
    const answers = [...this.#heard.values()].sort((a, b) => a - b);
    const last = answers.at(-1) ?? moment;
    const asked = [...this.#sent].filter(([, at]) => at > before);
    // What is under way as this is asked has not been lost.
    const due = asked.filter(([, at]) => at < last - BREAK_MS);
    return {
      silence: longest(answers),
      lost: due.filter(([number]) => !this.#heard.has(number)).length,
      pause: longest(asked.map(([, at]) => at)),
    };
  }

  /** How many answers came after that moment. */
  answered(moment: number): number {
    return [...this.#heard.values()].filter((at) => at > moment).length;
  }

  #forget(before: number): void {
    this.#sent = new Map([...this.#sent].filter(([, at]) => at >= before - 1_000));
    this.#heard = new Map([...this.#heard].filter(([, at]) => at >= before));
  }

  #last(): string {
    const at = [...this.#heard.values()].at(-1);
    return at === undefined ? 'none was ever answered' : `the last answer came at ${at.toFixed(0)}`;
  }

  end(): Promise<void> {
    return this.#observer.end();
  }
}

const longest = (times: readonly number[]): number =>
  times.reduce((most, at, index) => (index === 0 ? 0 : Math.max(most, at - times[index - 1]!)), 0);
