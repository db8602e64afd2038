/**
 * Which way the tunnel's packets take: UDP, or a relay where UDP is blocked. The engine's WireGuard lets itself be heard
 * each second; when it is not, a relay is opened, and while it is used, UDP is asked again and again. What passes through
 * the tunnel only sees a short pause: WireGuard's session is the same on both ways.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../sys/clock.ts';
import { Backoff } from '../backoff.ts';
import type { Credentials } from '../credentials.ts';
import type { AgentLog } from '../log.ts';
import { Relay } from './relay.ts';
import { udpReaches } from './udp-probe.ts';

/** Seconds: of a NAT's memory by UDP; through the relay of nothing but the engine's, which must learn of a new way. */
const KEEPALIVE = { udp: 25, relay: 2 } as const;

/** Milliseconds. */
export interface TransportTimes {
  /** Between two looks at WireGuard. A look counts for two at most: while this process stands still, nobody is silent. */
  readonly look: number;
  /** Without a word, before a relay is opened to be at hand, and before it is used. */
  readonly doubt: number;
  readonly silent: number;
  /** The same before the first handshake. */
  readonly firstDoubt: number;
  readonly firstSilent: number;
  /** That a probe has for its answer before a relay that is open is used. */
  readonly answer: number;
  /** For how long an answer to a probe stands for a WireGuard that has nothing to say. */
  readonly trusted: number;
  /** Without a word through the relay, before another one is opened. */
  readonly relaySilent: number;
  /** For packets under way through the relay, when UDP works again. */
  readonly drain: number;
  /** Between probes of UDP: the first ones, and what they grow to. */
  readonly probe: number;
  readonly probeMax: number;
}
const TIMES: TransportTimes = {
  look: 250,
  doubt: 1_250,
  silent: 2_000,
  firstDoubt: 750,
  firstSilent: 1_500,
  answer: 400,
  trusted: 12_000,
  relaySilent: 10_000,
  drain: 200,
  probe: 5_000,
  probeMax: 20_000,
};
/** Between two tries to have a WireGuard again that is gone. */
const ANEW_MS = 1_000;
const PROBE_GROWTH = 1.3;
/** Of a relay that has lasted for so long, the next one may be opened at once. */
const STABLE_MS = 60_000;
const REOPEN = { baseMs: 500, capMs: 15_000 };

export type Way = 'udp' | 'relay';

export interface TransportParts {
  readonly credentials: Credentials;
  readonly clock: Clock;
  readonly log: AgentLog;
  /** Of the engine's WireGuard: `ADDRESS:PORT`. */
  readonly endpoint: string;
  /** Its key, base64. */
  readonly engineKey: string;
  /** What this device's WireGuard knows of the engine's; null where it is gone, or does not answer. */
  readonly peer: () => Promise<{
    readonly receivedBytes: number;
    /** Unix seconds; null before the first. */
    readonly lastHandshake: number | null;
    /** UDP, of this device's WireGuard. */
    readonly listenPort: number;
  } | null>;
  /** Where WireGuard is to send; null: nowhere, it forgets what it has tried. One that is gone is made anew. */
  readonly point: (endpoint: string | null, keepaliveSeconds: number) => Promise<void>;
  readonly onChange: (transport: Way) => void;
  readonly random?: () => number;
  readonly times?: TransportTimes;
}

type Peer = NonNullable<Awaited<ReturnType<TransportParts['peer']>>>;

export class Transport {
  readonly #parts: TransportParts;
  readonly #times: TransportTimes;
  readonly #stop = new AbortController();
  readonly #backoff: Backoff;
  #current: Way = 'udp';
  #running: Promise<void> | undefined;
  #relay: Relay | undefined;
  /** WireGuard sends into it. */
  #relayUsed = false;
  #opening: { readonly stop: AbortController; readonly done: Promise<void> } | undefined;
  #mayOpenAt = 0;
  #openedAt = 0;
  #received = -1;
  /** Since WireGuard heard something, in milliseconds. */
  #quiet = 0;
  #lookedAt = 0;
  #probing: Promise<void> | undefined;
  #probeAt = 0;
  #probeWait = 0;
  #answered = false;
  /**
   * How often the engine's WireGuard may have been another one; how often that had been when WireGuard was last looked at;
   * and how often of that the engine was heard since, or a session begun.
   */
  #changes = 0;
  #changesSeen = 0;
  #changesOver = 0;
  #lost = false;
  #anewAt = 0;

  constructor(parts: TransportParts) {
    this.#parts = parts;
    this.#times = parts.times ?? TIMES;
    this.#backoff = new Backoff(REOPEN, parts.random);
  }

  /** By which WireGuard was last heard. */
  get current(): Way {
    return this.#current;
  }

  start(): void {
    this.#lookedAt = this.#parts.clock.monotonic();
    this.#running ??= this.#run();
  }

  /**
   * An engine that was started again, or has lost its interface, has another WireGuard, which knows nothing of the
   * session; ours would ask for a new one only after minutes. So when it stays silent from here on, one is made.
   */
  engineBack(): void {
    this.#changes += 1;
  }

  get #mayBeNew(): boolean {
    return this.#changes > this.#changesOver;
  }

  /** Nothing of it is left when this resolves. WireGuard is the caller's to point elsewhere. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#dropRelay();
    await this.#probing;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    let troubled = false;
    while (!signal.aborted) {
      // Only the abort ends this sleep early, and then the loop ends too.
      await sleep(this.#times.look, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.#look();
        troubled = false;
      } catch (error) {
        if (!troubled)
          this.#parts.log.warn({ err: error }, 'the way of the tunnel could not be looked after');
        troubled = true;
      }
    }
  }

  async #look(): Promise<void> {
    const { clock } = this.#parts;
    const changes = this.#changes;
    const peer = await this.#parts.peer();
    if (this.#stop.signal.aborted) return;
    if (!peer) return this.#haveAnew();
    this.#lost = false;
    const since = Math.min(clock.monotonic() - this.#lookedAt, this.#times.look * 2);
    this.#lookedAt = clock.monotonic();
    // A peer that was made anew counts from nothing.
    const heard = peer.receivedBytes > this.#received && this.#received >= 0;
    this.#received = peer.receivedBytes;
    // What has come since the look before may still be of the WireGuard that was: only what comes after a look counts.
    if (heard) this.#changesOver = Math.max(this.#changesOver, this.#changesSeen);
    this.#changesSeen = changes;
    this.#quiet = heard ? 0 : this.#quiet + since;
    if (this.#relayUsed) await this.#lookOverRelay(heard);
    else await this.#lookOverUdp(heard, peer);
  }

  async #lookOverUdp(heard: boolean, peer: Peer): Promise<void> {
    const { doubt, silent, firstDoubt, firstSilent, answer, trusted } = this.#times;
    const { clock } = this.#parts;
    const first = peer.lastHandshake === null;
    if (heard) {
      this.#backoff.reset();
      this.#mayOpenAt = 0;
      if (this.#relay || this.#opening) await this.#dropRelay();
      this.#turnTo('udp');
      return;
    }
    if (this.#mayBeNew && !first && this.#quiet >= silent) return this.#beginAnew();
    if (this.#quiet < (first ? firstDoubt : doubt)) return;
    this.#openRelay(peer);
    const relay = this.#relay;
    if (!relay?.isOpen) return;
    if (!first) this.#probe(relay);
    if (this.#quiet < (first ? firstSilent : silent)) return;
    if (!first && clock.monotonic() < this.#openedAt + answer) return;
    // It works, and there is nothing to hear: a device that only sends, or a keepalive that was lost.
    if (this.#answered && this.#quiet < trusted) return;
    await this.#takeRelay(relay, first);
  }

  async #lookOverRelay(heard: boolean): Promise<void> {
    const { relaySilent, clock } = { ...this.#times, ...this.#parts };
    const relay = this.#relay;
    if (heard) this.#turnTo('relay');
    if (clock.monotonic() >= this.#openedAt + STABLE_MS) this.#backoff.reset();
    if (this.#mayBeNew && this.#quiet >= this.#times.silent) return this.#beginAnew();
    if (!relay?.isOpen || this.#quiet >= relaySilent) {
      this.#parts.log.info({}, 'the relay of the tunnel is gone; another is opened');
      await this.#dropRelay();
      // By UDP meanwhile, for what it is worth; nothing has been heard that way.
      await this.#aim(this.#parts.endpoint, KEEPALIVE.udp);
      this.#quiet = Math.max(this.#quiet, this.#times.silent);
      return;
    }
    if (this.#answered) await this.#returnToUdp(relay);
    else if (clock.monotonic() >= this.#probeAt) this.#probe(relay);
  }

  /** One at a time, and not at once again after one that failed. */
  #openRelay({ listenPort: wireGuardPort }: Peer): void {
    const { credentials, clock, log } = this.#parts;
    if (this.#opening || this.#relay?.isOpen || clock.monotonic() < this.#mayOpenAt || wireGuardPort === 0)
      return;
    const stop = new AbortController();
    const open = async (): Promise<void> => {
      try {
        this.#relay = await Relay.open({ credentials, wireGuardPort, log }, stop.signal);
        this.#answered = false;
        this.#probeWait = 0;
        this.#openedAt = clock.monotonic();
      } catch (error) {
        if (!stop.signal.aborted) log.info({ err: error }, 'no relay for the tunnel could be opened');
      }
      this.#mayOpenAt = clock.monotonic() + this.#backoff.next();
      this.#opening = undefined;
    };
    this.#opening = { stop, done: open() };
  }

  async #dropRelay(): Promise<void> {
    const opening = this.#opening;
    opening?.stop.abort();
    await opening?.done;
    const relay = this.#relay;
    this.#relay = undefined;
    this.#relayUsed = false;
    this.#answered = false;
    await relay?.close();
  }

  async #takeRelay(relay: Relay, first: boolean): Promise<void> {
    // A handshake that was begun is not tried again for five seconds, but by a peer that has tried none.
    if (first) {
      await this.#parts.point(null, 0);
      await this.#parts.point(relay.endpoint, KEEPALIVE.relay);
    } else await this.#aim(relay.endpoint, KEEPALIVE.relay);
    this.#relayUsed = true;
    this.#answered = false;
    this.#quiet = 0;
    this.#received = first ? 0 : this.#received;
    this.#probeLater();
    this.#turnTo('relay');
  }

  /** Somebody has ended our wireguard-go, or deleted the link. */
  async #haveAnew(): Promise<void> {
    const { clock, log } = this.#parts;
    if (clock.monotonic() < this.#anewAt) return;
    this.#anewAt = clock.monotonic() + ANEW_MS;
    if (!this.#lost) log.warn({}, 'WireGuard of the tunnel is gone, or does not answer; it is made anew');
    this.#lost = true;
    await this.#beginAnew();
  }

  /** As before the first handshake: it is tried by UDP, then through a relay. */
  async #beginAnew(): Promise<void> {
    this.#changesOver = this.#changes;
    // It leads to a port that may be another one's by now.
    if (this.#relay || this.#opening) await this.#dropRelay();
    await this.#parts.point(null, 0);
    await this.#parts.point(this.#parts.endpoint, KEEPALIVE.udp);
    this.#received = 0;
    this.#quiet = 0;
  }

  async #returnToUdp(relay: Relay): Promise<void> {
    const { endpoint } = this.#parts;
    this.#answered = false;
    relay.hold();
    await this.#aim(endpoint, KEEPALIVE.udp);
    // What was still under way through the relay has turned the engine back; the second word turns it for good.
    await sleep(this.#times.drain, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    await this.#aim(endpoint, KEEPALIVE.udp);
    const before = (await this.#parts.peer())?.receivedBytes ?? 0;
    if (await this.#heardSince(before)) {
      await this.#dropRelay();
      this.#quiet = 0;
      this.#turnTo('udp');
      return;
    }
    if (this.#stop.signal.aborted) return;
    relay.release();
    await this.#aim(relay.endpoint, KEEPALIVE.relay);
    this.#probeLater();
  }

  async #heardSince(before: number): Promise<boolean> {
    const { look, silent } = this.#times;
    for (let waited = 0; waited < silent && !this.#stop.signal.aborted; waited += look) {
      await sleep(look, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      const now = (await this.#parts.peer())?.receivedBytes ?? 0;
      if (now > before) return true;
    }
    return false;
  }

  /** WireGuard speaks at once when its keepalive is turned on, and so tells the engine of the new way. */
  async #aim(endpoint: string, keepalive: number): Promise<void> {
    await this.#parts.point(endpoint, 0);
    await this.#parts.point(endpoint, keepalive);
  }

  #probe({ probeKey }: Relay): void {
    const { endpoint, engineKey, clock, log } = this.#parts;
    this.#probing ??= udpReaches(
      { endpoint, engineKey, probeKey, now: () => clock.now() },
      this.#stop.signal,
    ).then((answered) => {
      this.#probing = undefined;
      // Of a relay that is closed by now, it says nothing.
      if (this.#relay?.probeKey !== probeKey) return;
      this.#answered = answered;
      if (answered) log.debug({}, 'the engine answers by UDP');
      this.#probeLater();
    });
  }

  #probeLater(): void {
    const { probe, probeMax } = this.#times;
    this.#probeAt = this.#parts.clock.monotonic() + (this.#probeWait || probe);
    this.#probeWait = Math.min(probeMax, (this.#probeWait || probe) * PROBE_GROWTH);
  }

  #turnTo(way: Way): void {
    if (this.#current === way) return;
    this.#current = way;
    this.#parts.onChange(way);
  }
}
