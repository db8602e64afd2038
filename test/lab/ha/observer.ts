/** A program that looks at something and says what it saw, a line of JSON each time; it ends when its input does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** Milliseconds of a clock that all processes and all namespaces of the machine share. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6;

export class Observer<T> {
  readonly #child: ChildProcess;
  #ended = false;
  #errors = '';
  #heard = new Set<() => void>();

  constructor([file, ...args]: [string, ...string[]], hear: (saw: T) => void) {
    this.#child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    let rest = '';
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      for (const line of lines) hear(JSON.parse(line) as T);
      this.#wake();
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-4_000);
    });
    this.#child.stdin!.on('error', () => undefined); // it has ended already
    this.#child.once('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  #wake(): void {
    for (const wake of this.#heard) wake();
  }

  /** Resolves once something that was heard makes it true. `ms`: a bound, after which it rejects with what `tell` says. */
  async until(
    condition: () => boolean,
    what: string,
    ms: number,
    tell: () => string = () => '',
  ): Promise<void> {
    const end = now() + ms;
    while (!condition()) {
      if (this.#ended) throw new Error(`the observer ended before ${what}: ${this.#errors}`);
      const left = end - now();
      if (left <= 0) throw new Error(`not within ${ms / 1_000} s: ${what}. ${tell()}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#heard.add(resolve);
      const timer = setTimeout(resolve, left);
      await promise;
      clearTimeout(timer);
      this.#heard.delete(resolve);
    }
  }

  async end(): Promise<void> {
    if (this.#ended) return;
    const closed = once(this.#child, 'close');
    this.#child.stdin!.end();
    await closed;
  }
}
