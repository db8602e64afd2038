/** Short messages at the bottom: what was done, or what went wrong and what to do about it. */
import type { Told } from '../data/told.ts';

export interface Toast {
  readonly kind: 'done' | 'note' | 'warning' | 'failed';
  readonly text: string;
  /** Of failures. */
  readonly code?: string;
  readonly next?: string;
  /** Milliseconds of the monotonic clock. */
  readonly until: number;
}

const DONE_MS = 5_000;
const FAILED_MS = 20_000;
const MOST = 3;

export class Toasts {
  #toasts: Toast[] = [];
  readonly #now: () => number;
  readonly #changed: () => void;

  constructor(changed: () => void, now: () => number = () => performance.now()) {
    this.#changed = changed;
    this.#now = now;
  }

  get shown(): readonly Toast[] {
    const now = this.#now();
    this.#toasts = this.#toasts.filter(({ until }) => until > now);
    return this.#toasts;
  }

  done(text: string): void {
    this.#add({ kind: 'done', text, until: this.#now() + DONE_MS });
  }

  note(text: string): void {
    this.#add({ kind: 'note', text, until: this.#now() + DONE_MS });
  }

  /** Done, and yet there is something that must be known. */
  warning(text: string): void {
    this.#add({ kind: 'warning', text, until: this.#now() + FAILED_MS });
  }

  failed({ code, message, next }: Told): void {
    this.#add({ kind: 'failed', text: message, code, next, until: this.#now() + FAILED_MS });
  }

  clear(): void {
    this.#toasts = [];
  }

  #add(toast: Toast): void {
    // The same twice is the same.
    this.#toasts = [...this.#toasts.filter(({ text }) => text !== toast.text), toast].slice(-MOST);
    this.#changed();
  }
}
