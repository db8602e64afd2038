/**
 * Gives back to the kernel what connections left behind. A TLS handshake uses several times the memory that its
 * connection keeps, in pieces between what is kept; the C library holds on to them. After ten thousand agents have come
 * at once, that is a fifth of all that the engine has.
 */
import { releaseFreedMemory } from '../../sys/malloc.ts';

const LOOK_MS = 15_000;
/** Connections that are worth the time: about 3 microseconds each. */
const WORTH = 250;

export class FreedMemory {
  #connections = 0;
  #timer: NodeJS.Timeout | undefined;

  /** A connection was opened. */
  note(): void {
    this.#connections++;
  }

  start(): void {
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    if (this.#connections < WORTH) return;
    this.#connections = 0;
    releaseFreedMemory();
  }
}
