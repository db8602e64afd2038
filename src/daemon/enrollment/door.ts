/** Who may knock how often: limits for each address and machine, and an eye on guessed codes. */
import { BorealisError } from '../../protocol/errors.ts';
import { networkOf } from '../listener/address.ts';
import type { EnrollmentDependencies } from './dependencies.ts';
import { SlidingWindow } from './sliding-window.ts';

const MINUTE_MS = 60_000;
/** Wrong codes or secrets from one address within ten minutes that operators hear of. */
const GUESSES = { limit: 10, spanMs: 600_000 };

export class Door {
  readonly #deps: EnrollmentDependencies;
  readonly #requests: SlidingWindow;
  readonly #machines: SlidingWindow;
  readonly #wrongSecrets: SlidingWindow;
  readonly #guesses: SlidingWindow;

  constructor(deps: EnrollmentDependencies) {
    this.#deps = deps;
    this.#requests = new SlidingWindow(MINUTE_MS, deps.clock);
    this.#machines = new SlidingWindow(MINUTE_MS, deps.clock);
    this.#wrongSecrets = new SlidingWindow(MINUTE_MS, deps.clock);
    this.#guesses = new SlidingWindow(GUESSES.spanMs, deps.clock);
  }

  /** Before anything of the request is read. Errors: RATE_LIMITED. */
  admitRequest(address: string): void {
    const limit = this.#deps.config.current.enrol_requests_per_minute;
    if (!this.#requests.admit(networkOf(address), limit)) throw limited(`${limit} a minute from one address`);
  }

  admitMachine(fingerprint: string): void {
    const limit = this.#deps.config.current.enrol_requests_per_fingerprint;
    if (!this.#machines.admit(fingerprint, limit)) throw limited(`${limit} a minute from one machine`);
  }

  /** Polls are as many as agents wait; only from where wrong secrets come, they are limited. */
  admitPoll(address: string): void {
    const limit = this.#deps.config.current.enrol_requests_per_minute;
    if (this.#wrongSecrets.count(networkOf(address)) >= limit) throw limited('too many wrong secrets');
  }

  /** Told of each refusal: counts those that look like guesses. */
  refused(address: string, error: unknown): void {
    if (!(error instanceof BorealisError)) return;
    const network = networkOf(address);
    if (error.code === 'APPROVAL_NOT_FOUND') this.#wrongSecrets.admit(network, 100_000);
    else if (error.code !== 'CODE_INVALID') return;
    this.#guesses.admit(network, 1_000);
    const guesses = this.#guesses.count(network);
    if (guesses < GUESSES.limit) return;
    void this.#deps.trust.watch.alert({
      code: 'CODE_INVALID',
      subject: network,
      message: `Somebody at ${network} may be guessing enrolment codes: ${guesses} wrong ones in ten minutes`,
      data: { address, guesses },
    });
  }
}

const limited = (what: string): BorealisError =>
  new BorealisError('RATE_LIMITED', { detail: `Enrolment: at most ${what}.` });
