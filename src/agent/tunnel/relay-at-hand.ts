/** The relay that is opened when UDP is in doubt: one at a time, and not at once again after one that failed. */
import type { Clock } from '../../sys/clock.ts';
import { Backoff } from '../backoff.ts';
import type { Credentials } from '../credentials.ts';
import type { AgentLog } from '../log.ts';
import { Relay } from './relay.ts';

/** Of a relay that has lasted for so long, the next one may be opened at once. */
const STABLE_MS = 60_000;
const REOPEN = { baseMs: 500, capMs: 15_000 };

export interface RelayAtHandParts {
  readonly credentials: Credentials;
  readonly clock: Clock;
  readonly log: AgentLog;
  readonly random?: (() => number) | undefined;
  /** Called as soon as one is open. */
  readonly onOpened: () => void;
}

export class RelayAtHand {
  readonly #parts: RelayAtHandParts;
  readonly #backoff: Backoff;
  #relay: Relay | undefined;
  #opening: { readonly stop: AbortController; readonly done: Promise<void> } | undefined;
  #mayOpenAt = 0;
  #openedAt = 0;

  constructor(parts: RelayAtHandParts) {
    this.#parts = parts;
    this.#backoff = new Backoff(REOPEN, parts.random);
  }

  /** The last that was opened, open still or not, until it is dropped. */
  get current(): Relay | undefined {
    return this.#relay;
  }

  get openOne(): Relay | undefined {
    return this.#relay?.isOpen ? this.#relay : undefined;
  }

  /** Whether there is one, or will be. */
  get any(): boolean {
    return this.#relay !== undefined || this.#opening !== undefined;
  }

  /** Milliseconds since it was opened. */
  get age(): number {
    return this.#parts.clock.monotonic() - this.#openedAt;
  }

  get isStable(): boolean {
    return this.age >= STABLE_MS;
  }

  /** What was in doubt is not any more: the next may be opened at once. */
  mayOpenAtOnce(): void {
    this.#backoff.reset();
    this.#mayOpenAt = 0;
  }

  forgetFailures(): void {
    this.#backoff.reset();
  }

  /** `wireGuardPort`: UDP, of this device's WireGuard; 0 where it has none. */
  open(wireGuardPort: number): void {
    const { credentials, clock, log, onOpened } = this.#parts;
    if (this.#opening || this.openOne || clock.monotonic() < this.#mayOpenAt || wireGuardPort === 0) return;
    const stop = new AbortController();
    const open = async (): Promise<void> => {
      try {
        this.#relay = await Relay.open({ credentials, wireGuardPort, log }, stop.signal);
        this.#openedAt = clock.monotonic();
        onOpened();
      } catch (error) {
        if (!stop.signal.aborted) log.info({ err: error }, 'no relay for the tunnel could be opened');
      }
      this.#mayOpenAt = clock.monotonic() + this.#backoff.next();
      this.#opening = undefined;
    };
    this.#opening = { stop, done: open() };
  }

  /** Nothing of it is left when this resolves. */
  async drop(): Promise<void> {
    const opening = this.#opening;
    opening?.stop.abort();
    await opening?.done;
    const relay = this.#relay;
    this.#relay = undefined;
    await relay?.close();
  }
}
