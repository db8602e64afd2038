/**
 * The outbound link: keeps one channel to the engine for as long as it runs. Reconnects, refreshes tokens, renews the
 * certificate. Holds no global state: a process may run thousands of links.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { BorealisError, type ErrorCode } from '../protocol/errors.ts';
import { CLOSE, type FromAgent } from '../protocol/frame.ts';
import type { Clock } from '../sys/clock.ts';
import { Backoff, RECONNECT } from './backoff.ts';
import {
  type BastionWord,
  type Channel,
  type ChannelEnd,
  closedEarly,
  type Hello,
  type Order,
  openChannel,
  type Uplink,
  type Welcome,
} from './channel.ts';
import type { Credentials } from './credentials.ts';
import {
  certificateDue,
  refreshDue,
  refreshIn,
  refreshTokens,
  renewCertificate,
  tokenStale,
} from './renewal.ts';
import { handshakeFailed } from './tls.ts';

/** A channel that lasted this long was a good one: the backoff begins anew. */
const STABLE_MS = 60_000;
/** The engine has said no, and only an operator can change its mind. */
const REFUSED_MS = 300_000;
const SUPERSEDED_MS = 30_000;
const RENEWAL_RETRY_MS = 60_000;
/** The answer to a refresh may be lost: the engine takes the same token again, but only for a minute. */
const LOST_ANSWER_RETRY_MS = 5_000;
/** A renewal that is due when a channel opens waits a random part of this. */
const RENEWAL_SPREAD_MS = 10_000;
const REFUSALS: ReadonlySet<ErrorCode> = new Set([
  'DEVICE_REVOKED',
  'TOKEN_REUSED',
  'PIN_MISMATCH',
  'CERTIFICATE_REQUIRED',
]);

export type LinkState = 'connecting' | 'online' | 'waiting' | 'stopped';

export interface LinkStatus {
  readonly state: LinkState;
  /** The last failure, until the next success. */
  readonly error: BorealisError | null;
  /** When `waiting`: milliseconds until the next attempt. */
  readonly retryInMs: number | null;
}

export interface LinkOptions {
  readonly credentials: Credentials;
  readonly hello: () => Omit<Hello, 'type' | 'now'>;
  readonly clock: Clock;
  readonly random?: () => number;
  /** A channel is open: send what waited. Called before any order of that channel. */
  readonly onOnline: (welcome: Welcome) => void;
  readonly onOrder: (order: Order) => void;
  /** A word about the tunnel, not verified yet. */
  readonly onTunnel?: ((envelope: string) => void) | undefined;
  readonly onBastion?: ((word: BastionWord) => void) | undefined;
  readonly onOffline: () => void;
  readonly onStatus: (status: LinkStatus) => void;
  /** Work beside the channel failed (a refresh, a renewal); it is tried again. */
  readonly onTrouble: (what: string, error: unknown) => void;
}

export class Link implements Uplink {
  readonly #options: LinkOptions;
  readonly #backoff: Backoff;
  readonly #stop = new AbortController();
  readonly #random: () => number;
  #channel: Channel | undefined;
  #renewal: NodeJS.Timeout | undefined;
  #renewing: Promise<void> | undefined;
  #refreshedInVain = false;
  #running: Promise<void> | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#backoff = new Backoff(RECONNECT, this.#random);
  }

  get online(): boolean {
    return this.#channel !== undefined;
  }

  get buffered(): number {
    return this.#channel?.buffered ?? 0;
  }

  send(frame: FromAgent): boolean {
    return this.#channel?.send(frame) ?? false;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Tells the engine, hangs up and ends; at most about a second. */
  async close(message = 'The agent stops.'): Promise<void> {
    this.send({ type: 'EVENT', kind: 'stopping', message, corr_id: null });
    this.#stop.abort();
    await this.#channel?.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { onStatus } = this.#options;
    while (!this.#stop.signal.aborted) {
      onStatus({ state: 'connecting', error: null, retryInMs: null });
      const failure = await this.#once();
      if (this.#stop.signal.aborted) break;
      const delay = failure.again ? 0 : this.#delay(failure);
      onStatus({ state: 'waiting', error: failure.error, retryInMs: delay });
      // Only the abort ends this sleep early, and then the loop ends too.
      await sleep(delay, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
    onStatus({ state: 'stopped', error: null, retryInMs: null });
  }

  /** One channel, from before its tokens to after its close. */
  async #once(): Promise<Failure> {
    const { credentials } = this.#options;
    try {
      await this.#renewing;
      if (tokenStale(credentials.tokens, this.#options.clock)) await this.#exclusively(refreshTokens);
    } catch (error) {
      return refreshFailed(error);
    }
    try {
      return await this.#serve();
    } catch (error) {
      const refused = asError(error);
      // A ticket must not stand in the way of a full handshake. But a network that is down says nothing of the ticket,
      // and a fleet that threw its tickets away would keep a restarted engine busy five times as long.
      if (handshakeFailed(refused)) credentials.session = undefined;
      // A refused token is worth one refresh; if the fresh one is refused as well, the trouble is another.
      if (!isTokenTrouble(refused) || this.#refreshedInVain) return { error: refused, lastedMs: 0 };
      try {
        await this.#exclusively(refreshTokens);
        this.#refreshedInVain = true;
        return { error: refused, lastedMs: 0, again: true };
      } catch (failed) {
        return refreshFailed(failed);
      }
    }
  }

  /** Opens a channel and stays until it ends. */
  async #serve(): Promise<Failure> {
    const { credentials, clock, hello, onOrder, onTunnel, onBastion, onOnline, onOffline, onStatus } =
      this.#options;
    const onOpen = (channel: Channel): void => {
      this.#channel = channel;
      this.#refreshedInVain = false;
      onOnline(channel.welcome);
      onStatus({ state: 'online', error: null, retryInMs: null });
      this.#scheduleRenewal();
    };
    const channel = await openChannel(
      { credentials, clock, hello: hello(), onOpen, onOrder, onTunnel, onBastion },
      this.#stop.signal,
    );
    const since = clock.monotonic();
    const end = await channel.ended;
    this.#channel = undefined;
    clearTimeout(this.#renewal);
    onOffline();
    return { error: closedEarly(end.code, end.reason), end, lastedMs: clock.monotonic() - since };
  }

  #delay({ error, end, lastedMs, final }: Failure): number {
    if (lastedMs >= STABLE_MS) this.#backoff.reset();
    // A channel that was cut off says too little: the next request is answered with the exact reason.
    const refused = end === undefined && REFUSALS.has(error.code);
    if (final || refused) return Math.round(REFUSED_MS * (0.9 + 0.2 * this.#random()));
    if (end?.code === CLOSE.goingAway && this.#backoff.attempt === 0) {
      this.#backoff.next();
      return 0;
    }
    if (end?.code === CLOSE.superseded) return SUPERSEDED_MS + this.#backoff.next();
    return this.#backoff.next();
  }

  #scheduleRenewal(after?: number): void {
    const { credentials, clock } = this.#options;
    clearTimeout(this.#renewal);
    const refresh = refreshIn(credentials.tokens, clock, this.#random);
    // A device that is seldom online must not wait for its token's turn.
    const renew = certificateDue(credentials, clock) ? this.#random() * RENEWAL_SPREAD_MS : refresh;
    const delay = after ?? Math.min(refresh, renew);
    this.#renewal = setTimeout(() => void this.#renewWhatIsDue(), delay);
  }

  async #renewWhatIsDue(): Promise<void> {
    const { credentials, clock } = this.#options;
    let done = true;
    if (refreshDue(credentials.tokens, clock)) done = await this.#renew('refresh', refreshTokens);
    if (done && certificateDue(credentials, clock))
      done = await this.#renew('certificate renewal', renewCertificate);
    const retry = credentials.tokens.refreshing ? LOST_ANSWER_RETRY_MS : RENEWAL_RETRY_MS;
    if (this.#channel) this.#scheduleRenewal(done ? undefined : retry * (0.5 + this.#random()));
  }

  /** True when it worked. */
  async #renew(what: string, how: typeof refreshTokens): Promise<boolean> {
    try {
      await this.#exclusively(how);
      return true;
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#options.onTrouble(what, error);
      return false;
    }
  }

  /** Never two at once: the engine takes a second use of a refresh token for a theft. */
  async #exclusively(how: typeof refreshTokens): Promise<void> {
    const { credentials, clock } = this.#options;
    while (this.#renewing) await this.#renewing;
    const work = how({ credentials, clock, signal: this.#stop.signal });
    // Whoever waits for it only waits for its end.
    this.#renewing = work.catch(() => undefined);
    try {
      await work;
    } finally {
      this.#renewing = undefined;
    }
  }
}

interface Failure {
  readonly error: BorealisError;
  readonly end?: ChannelEnd;
  /** How long the channel was open; 0 when it never was. */
  readonly lastedMs: number;
  /** Only an operator can help. */
  readonly final?: boolean;
  /** What stood in the way is removed: try at once. */
  readonly again?: boolean;
}

/** Without a refresh token that counts there is no way back in but a new enrolment. */
function refreshFailed(cause: unknown): Failure {
  const error = asError(cause);
  return { error, lastedMs: 0, final: isTokenTrouble(error) };
}

const isTokenTrouble = ({ code }: BorealisError): boolean =>
  code === 'TOKEN_INVALID' || code === 'EXPIRED_TOKEN';

const asError = (error: unknown): BorealisError =>
  error instanceof BorealisError ? error : new BorealisError('INTERNAL', { cause: error });
