/** One end of sealed datagrams: what it seals, and which of those that come it takes. No socket: bytes in, bytes out. */
import { randomBytes } from 'node:crypto';
import { deriveKey, type Kind, open, SALT_BYTES, type Sealed, seal } from './seal.ts';

/** Datagrams may overtake one another by so many. */
const WINDOW = 1_024;
/** Processes of the other node that came and went: as many are known again. Then we begin anew ourselves. */
const RETIRED_MAX = 256;
/** Answers to what does not echo our salt: so many at once, and one more each so many milliseconds. */
const HELLOS = { burst: 5, everyMs: 50 } as const;
/** Between two times that we begin anew because of a process that was taken for a former one. */
const ANEW_MS = 10_000;
const NOTHING = Buffer.alloc(0);

export interface Ignored {
  /** Not sealed with the key of the pair in this direction: somebody else's, our own come back, cut, changed. */
  foreign: number;
  /** Sealed with it, but not in answer to this process: recorded, or the first of a process that knows us not yet. */
  stale: number;
  /** Come a second time, or too late. */
  replayed: number;
}

export interface Taken {
  readonly body: Buffer | null;
  /** To be sent to where the datagram came from. */
  readonly answer: Buffer | null;
}

export interface PairOptions {
  /** 32 bytes. */
  readonly key: Buffer;
  readonly self: string;
  readonly other: string;
  /** Monotonic, milliseconds. */
  readonly now: () => number;
}

interface Process {
  readonly salt: Buffer;
  readonly key: Buffer;
  readonly seen: Set<number>;
  highest: number;
}

export class SealedPair {
  readonly ignored: Ignored = { foreign: 0, stale: 0, replayed: 0 };
  readonly #options: PairOptions;
  readonly #out: { from: string; to: string };
  readonly #in: { from: string; to: string };
  #salt: Buffer = NOTHING;
  #key: Buffer = NOTHING;
  #counter = 0;
  #begunAt = 0;
  #other: Process | undefined;
  /** Salts of the other node's processes before this one: of our time, but over. */
  readonly #retired = new Set<string>();
  #hellos: number = HELLOS.burst;
  #helloAt: number;

  constructor(options: PairOptions) {
    this.#options = options;
    this.#out = { from: options.self, to: options.other };
    this.#in = { from: options.other, to: options.self };
    this.#helloAt = options.now();
    this.#begin();
  }

  /** Whether the other one was heard in this process's time: else what is sent is answered, but not taken. */
  get acquainted(): boolean {
    return this.#other !== undefined;
  }

  hello(): Buffer {
    return this.#seal('hello', NOTHING);
  }

  data(body: Buffer): Buffer {
    return this.#seal('data', body);
  }

  take(datagram: Buffer): Taken {
    const opened = open(datagram, this.#in, (salt) => this.#keyOf(salt));
    if (!opened) return this.#ignore('foreign');
    // Not taken over: who replays it would turn us away from the process that lives.
    if (!opened.echo.equals(this.#salt)) return this.#ignore('stale', opened.salt);
    const known = this.#other?.salt.equals(opened.salt);
    if (this.#retired.has(opened.salt.toString('hex'))) return this.#returned(opened);
    if (!known) this.#meet(opened);
    if (!this.#isNew(opened.counter)) return this.#ignore('replayed');
    if (opened.kind === 'data') return { body: opened.body, answer: null };
    return { body: null, answer: known ? null : this.hello() };
  }

  /**
   * Of a process that another one came after: recorded, or it lives, and it was the other one's word that came late. With
   * another salt of ours nothing recorded is fresh, and whoever lives answers to it.
   */
  #returned({ salt }: Sealed): Taken {
    this.ignored.replayed += 1;
    if (this.#options.now() - this.#begunAt < ANEW_MS) return { body: null, answer: null };
    this.#begin();
    return { body: null, answer: this.#seal('hello', NOTHING, salt) };
  }

  #begin(): void {
    this.#begunAt = this.#options.now();
    this.#salt = randomBytes(SALT_BYTES);
    this.#key = deriveKey(this.#options.key, this.#salt, this.#out);
    this.#counter = 0;
    this.#retired.clear();
  }

  #meet({ salt }: Sealed): void {
    if (this.#other) this.#retired.add(this.#other.salt.toString('hex'));
    this.#other = { salt, key: this.#keyOf(salt), seen: new Set(), highest: -1 };
    // With another salt of ours nothing that is of before is fresh, so it need not be remembered.
    if (this.#retired.size >= RETIRED_MAX) this.#begin();
  }

  #isNew(counter: number): boolean {
    const other = this.#other!;
    if (counter <= other.highest - WINDOW || other.seen.has(counter)) return false;
    other.seen.add(counter);
    other.highest = Math.max(other.highest, counter);
    if (other.seen.size > 2 * WINDOW) {
      for (const old of other.seen) if (old <= other.highest - WINDOW) other.seen.delete(old);
    }
    return true;
  }

  #ignore(why: keyof Ignored, greet: Buffer | null = null): Taken {
    this.ignored[why] += 1;
    return { body: null, answer: greet && this.#mayGreet() ? this.#seal('hello', NOTHING, greet) : null };
  }

  #mayGreet(): boolean {
    const now = this.#options.now();
    this.#hellos = Math.min(HELLOS.burst, this.#hellos + (now - this.#helloAt) / HELLOS.everyMs);
    this.#helloAt = now;
    if (this.#hellos < 1) return false;
    this.#hellos -= 1;
    return true;
  }

  #keyOf(salt: Buffer): Buffer {
    if (this.#other?.salt.equals(salt)) return this.#other.key;
    return deriveKey(this.#options.key, salt, this.#in);
  }

  #seal(kind: Kind, body: Buffer, echo = this.#other?.salt ?? Buffer.alloc(SALT_BYTES)): Buffer {
    const counter = this.#counter;
    this.#counter += 1;
    return seal(this.#key, this.#out, { kind, salt: this.#salt, counter, echo, body });
  }
}
