/**
 * Which way the tunnel's packets take: UDP, or a relay where UDP is blocked. The engine's WireGuard lets itself be heard
 * each second; when it is not, a relay is opened, and while it is used, UDP is asked again and again. What passes through
 * the tunnel only sees a short pause: WireGuard's session is the same on both ways.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../sys/clock.ts';
import type { Credentials } from '../credentials.ts';
import type { AgentLog } from '../log.ts';
import { EngineChanges } from './engine-changes.ts';
import type { Relay } from './relay.ts';
import { RelayAtHand } from './relay-at-hand.ts';
import { TIMES, type TransportTimes } from './transport-times.ts';
import { UdpProbes } from './udp-probes.ts';

/** Seconds: of a NAT's memory by UDP; through the relay of nothing but the engine's, which must learn of a new way. */
const KEEPALIVE = { udp: 25, relay: 2 } as const;

/** Between two tries to have a WireGuard again that is gone. */
const ANEW_MS = 1_000;

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
  readonly #relay: RelayAtHand;
  readonly #probes: UdpProbes;
  readonly #engine = new EngineChanges();
  #current: Way = 'udp';
  #running: Promise<void> | undefined;
  /** WireGuard sends into the relay. */
  #relayUsed = false;
  #received = -1;
  /** Since WireGuard heard something, in milliseconds. */
  #quiet = 0;
  #lookedAt = 0;
  #lost = false;
  #anewAt = 0;

  constructor(parts: TransportParts) {
    const times = parts.times ?? TIMES;
    this.#parts = parts;
    this.#times = times;
    this.#relay = new RelayAtHand({ ...parts, onOpened: () => this.#probes.begin() });
    const isCurrent = (probeKey: string): boolean => this.#relay.current?.probeKey === probeKey;
    this.#probes = new UdpProbes({ ...parts, times, isCurrent });
  }

  /** By which WireGuard was last heard. */
  get current(): Way {
    return this.#current;
  }

  start(): void {
    this.#lookedAt = this.#parts.clock.monotonic();
    this.#running ??= this.#run();
  }

  /** The engine's WireGuard may be another one by now. */
  engineBack(): void {
    this.#engine.mayBeNew();
  }

  /** Nothing of it is left when this resolves. WireGuard is the caller's to point elsewhere. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#dropRelay();
    await this.#probes.settled();
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
    const changes = this.#engine.count;
    const peer = await this.#parts.peer();
    if (this.#stop.signal.aborted) return;
    if (!peer) return this.#haveAnew();
    this.#lost = false;
    const since = Math.min(clock.monotonic() - this.#lookedAt, this.#times.look * 2);
    this.#lookedAt = clock.monotonic();
    // A peer that was made anew counts from nothing.
    const heard = peer.receivedBytes > this.#received && this.#received >= 0;
    this.#received = peer.receivedBytes;
    this.#engine.looked(changes, heard);
    this.#quiet = heard ? 0 : this.#quiet + since;
    if (this.#relayUsed) await this.#lookOverRelay(heard);
    else await this.#lookOverUdp(heard, peer);
  }

  async #lookOverUdp(heard: boolean, peer: Peer): Promise<void> {
    const { doubt, silent, firstDoubt, firstSilent, answer, trusted } = this.#times;
    const first = peer.lastHandshake === null;
    if (heard) {
      this.#relay.mayOpenAtOnce();
      if (this.#relay.any) await this.#dropRelay();
      this.#turnTo('udp');
      return;
    }
    if (this.#engine.pending && !first && this.#quiet >= silent) return this.#beginAnew();
    if (this.#quiet < (first ? firstDoubt : doubt)) return;
    this.#relay.open(peer.listenPort);
    const relay = this.#relay.openOne;
    if (!relay) return;
    if (!first) this.#probes.ask(relay.probeKey, this.#stop.signal);
    if (this.#quiet < (first ? firstSilent : silent)) return;
    if (!first && this.#relay.age < answer) return;
    // It works, and there is nothing to hear: a device that only sends, or a keepalive that was lost.
    if (this.#probes.answered && this.#quiet < trusted) return;
    await this.#takeRelay(relay, first);
  }

  async #lookOverRelay(heard: boolean): Promise<void> {
    const relay = this.#relay.openOne;
    if (heard) this.#turnTo('relay');
    if (this.#relay.isStable) this.#relay.forgetFailures();
    if (this.#engine.pending && this.#quiet >= this.#times.silent) return this.#beginAnew();
    if (!relay || this.#quiet >= this.#times.relaySilent) {
      this.#parts.log.info({}, 'the relay of the tunnel is gone; another is opened');
      await this.#dropRelay();
      // By UDP meanwhile, for what it is worth; nothing has been heard that way.
      await this.#aim(this.#parts.endpoint, KEEPALIVE.udp);
      this.#quiet = Math.max(this.#quiet, this.#times.silent);
      return;
    }
    if (this.#probes.answered) await this.#returnToUdp(relay);
    else if (this.#probes.isDue) this.#probes.ask(relay.probeKey, this.#stop.signal);
  }

  async #dropRelay(): Promise<void> {
    await this.#relay.drop();
    this.#relayUsed = false;
    this.#probes.answered = false;
  }

  async #takeRelay(relay: Relay, first: boolean): Promise<void> {
    // A handshake that was begun is not tried again for five seconds, but by a peer that has tried none.
    if (first) {
      await this.#parts.point(null, 0);
      await this.#parts.point(relay.endpoint, KEEPALIVE.relay);
    } else await this.#aim(relay.endpoint, KEEPALIVE.relay);
    this.#relayUsed = true;
    this.#probes.answered = false;
    this.#quiet = 0;
    this.#received = first ? 0 : this.#received;
    this.#probes.later();
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
    this.#engine.begunAnew();
    // It leads to a port that may be another one's by now.
    if (this.#relay.any) await this.#dropRelay();
    await this.#parts.point(null, 0);
    await this.#parts.point(this.#parts.endpoint, KEEPALIVE.udp);
    this.#received = 0;
    this.#quiet = 0;
  }

  async #returnToUdp(relay: Relay): Promise<void> {
    const { endpoint } = this.#parts;
    this.#probes.answered = false;
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
    this.#probes.later();
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

  #turnTo(way: Way): void {
    if (this.#current === way) return;
    this.#current = way;
    this.#parts.onChange(way);
  }
}
