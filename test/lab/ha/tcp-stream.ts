/** A TCP connection through the tunnel that has to live on, with nothing lost of what is said on it. */
import { join } from 'node:path';
import type { Inside } from '../inside.ts';
import { Observer } from './observer.ts';

interface Seen {
  readonly at: number;
  readonly heard?: number;
  readonly ended?: string;
}

export class TcpStream {
  readonly #observer: Observer<Seen>;
  #last = Number.NEGATIVE_INFINITY;
  /** Why it is over: the error, `closed`, or what came in the wrong order. Null: it lives. */
  ended: string | null = null;

  constructor(host: Inside, address: string, port: number) {
    const program = join(import.meta.dirname, 'stream-program.ts');
    const argv = host.argv(process.execPath, '--no-warnings', program, address, String(port));
    this.#observer = new Observer<Seen>(argv, ({ at, heard, ended }) => {
      if (heard !== undefined) this.#last = at;
      if (ended !== undefined) this.ended ??= ended;
    });
  }

  /** Resolves when it has brought something after that moment; throws where it is over. TCP waits ever longer between tries. */
  async flow(after: number, ms = 60_000): Promise<void> {
    await this.#observer.until(() => this.ended !== null || this.#last > after, 'the stream goes on', ms);
    if (this.ended !== null) throw new Error(`the TCP stream is over: ${this.ended}`);
  }

  end(): Promise<void> {
    return this.#observer.end();
  }
}
