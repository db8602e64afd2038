/**
 * One node's part in a pair: does what comes with having the floating address, and stops when it is gone. Who has it is
 * decided elsewhere (decider.ts).
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { VoteMessage } from '../../ha/node.ts';
import type { Datagrams, FloatingAddress } from '../../ha/platform.ts';
import type { HaSwitch, HostedHa, HostedHaState, SwitchReason } from '../../protocol/bastion.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { Clock } from '../../sys/clock.ts';
import type { AgentLog } from '../log.ts';
import { type Decider, type MakeDecider, WITNESS } from './decider.ts';
import { EndpointsReplica, EndpointsTeller, type PeerPlace } from './endpoints.ts';
import { makeLease } from './lease.ts';
import { type PairMessage, type Presence, pairMessage } from './messages.ts';
import type { SwitchLog } from './switch-log.ts';
import { type CountedPeer, takeOver } from './takeover.ts';

const TICK_MS = 25;
/** At least so often it is said that this node is there, however long the lease: a process that has just begun waits for it. */
const PRESENT_MS = 500;
/** Between two looks where the clients are. */
const LOOK_MS = 500;
/** Who has given the address away does not ask for it until the other one has had the time to take it. */
const REST_MS = 3_000;
/** How long the other one is waited for: until it knows where all clients are; until it has the address. */
const TOLD_MS = 300;
const TAKEN_MS = 700;
/** Before the first time, nobody may answer for the address for so long (RFC 5227 §2.1.1 waits longer, for slow links). */
const FIRST_LOOK_MS = 600;
const PROBE_MS = 200;
/** For a word that is on its way still. */
const LATE_MS = 1_000;
/** While a stranger answers for the address, and so long after, it is not asked for. */
const STRANGER_MS = 10_000;
const DEFEND_MS = 10_000;
/** How many clients' places are known is told at most so often. */
const COUNT_MS = 1_000;
/** What was told is told again, whether it is new or not. */
const BEAT_MS = 30_000;
/** For so long it is told that a node could not have the address; then it is worth a try again. */
const FAILED_MS = 60_000;

/** WireGuard of the service on this node. */
export interface DutyService {
  peers(): Promise<readonly (PeerPlace & CountedPeer)[] | null>;
  /** Where clients were when they were last seen on this node, by public key. */
  places(): ReadonlyMap<string, string>;
  /** In one change. */
  startHandshakes(endpoints: ReadonlyMap<string, string>, keepaliveSeconds: number): Promise<void>;
  settle(): Promise<void>;
  /** Forgets all sessions: a client that has another one with the other node must be called anew. */
  clearSessions(): Promise<void>;
}

export interface DutyParts {
  readonly ha: HostedHa;
  /** Of the service's state that is in force. */
  readonly revision: () => number;
  readonly address: FloatingAddress;
  readonly datagrams: Datagrams;
  /** Of the pair's driver (driver.ts); the engine's own lease where it is not given. */
  readonly decide?: MakeDecider;
  readonly service: DutyService;
  readonly switches: SwitchLog;
  /** To the engine's vote; lost where there is no channel. */
  readonly ask: (from: string, message: VoteMessage) => void;
  /** Something of `state` or of the switches has changed. */
  readonly told: () => void;
  readonly clock: Clock;
  readonly log: AgentLog;
}

interface Other {
  readonly presence: Presence;
  /** Milliseconds, less what the word was on its way. */
  readonly clockAhead: number;
  readonly at: number;
}

export class Duty {
  readonly #parts: DutyParts;
  /** Of this process: whoever comes after it knows nothing of what it asked. */
  readonly #name: string;
  readonly #decider: Decider;
  readonly #replica = new EndpointsReplica();
  #teller: EndpointsTeller;
  /** How often this process had the address. */
  #tenure = 0;
  /** How often the other one had it, when this one took it or heard last that it is here alone. */
  #otherTenure: Pick<Presence, 'from' | 'tenure'> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #holding: AbortController | undefined;
  #other: Other | undefined;
  /** Who had it last, as far as was seen here, and its last sign. */
  #before: { readonly guid: string; readonly at: number } | undefined;
  #behind: { readonly since: number; readonly isTold: boolean } | undefined;
  #leaving: SwitchReason | null = null;
  /** Why the other one left it, since it had it last. */
  #left: SwitchReason | null = null;
  #stranger: { readonly hardware: string; readonly at: number; readonly isTold: boolean } | undefined;
  /** Of a device that was shut out: until then it may have the address still, by what was promised before. */
  #shutOut: { readonly hardware: string; readonly until: number } | undefined;
  #begun = 0;
  #toldAt = Number.NEGATIVE_INFINITY;
  #toldRevision = 0;
  #probedAt = Number.NEGATIVE_INFINITY;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #looking = false;
  #failed: { readonly error: Error; readonly at: number } | undefined;
  #closed = false;
  #clearing: Promise<void> = Promise.resolve();
  #said = '';
  #counted = { endpoints: 0, at: Number.NEGATIVE_INFINITY };

  constructor(parts: DutyParts) {
    const { ha, clock, log, address, decide = makeLease } = parts;
    this.#parts = parts;
    this.#name = `${ha.self}/${randomBytes(9).toString('base64url')}`;
    this.#decider = decide({
      ha,
      name: this.#name,
      address,
      clock,
      log,
      mayAsk: (now) => this.#mayAsk(now),
      send: (to, message) => this.#send(to, message),
      otherHas: () => this.#otherHas(),
      otherHadAt: () => (this.#before?.guid === ha.other ? this.#before.at : Number.NEGATIVE_INFINITY),
      took: () => this.#took(),
      lost: () => this.#lost(),
      failed: (error) => this.#fail(error),
    });
    this.#teller = new EndpointsTeller(this.#name);
  }

  start(): void {
    const { address, datagrams, clock } = this.#parts;
    this.#begun = clock.monotonic();
    // Of a process before this one, whose lease is not ours.
    address.drop();
    address.onAnswer((hardware) => this.#safely(() => this.#answered(hardware)));
    datagrams.onMessage((data) => this.#safely(() => this.#heard(data)));
    this.#timer = setInterval(() => this.#safely(() => this.#tick()), TICK_MS);
    this.#clear();
    this.#decider.start();
  }

  /** Where the other node hears votes, as the engine knows it. */
  turnTo(endpoint: string | null): void {
    this.#parts.datagrams.turnTo(endpoint);
  }

  /**
   * The other device was shut out, or let in again: whoever does not have this key is heard no more. What was promised stays
   * promised, and the address where it is: given up now, it would be given to the very device that was shut out.
   */
  rekey(key: string): void {
    this.#parts.datagrams.rekey(Buffer.from(key, 'base64url'));
    const { clock, ha } = this.#parts;
    const hardware = this.#other?.presence.hardware;
    if (hardware !== undefined)
      this.#shutOut = { hardware, until: clock.monotonic() + ha.lease.promise + LATE_MS };
    this.#other = undefined;
  }

  get isHolder(): boolean {
    return this.#holding !== undefined;
  }

  get state(): HostedHaState {
    const { address, datagrams, clock } = this.#parts;
    const now = clock.monotonic();
    const host = address.ownAddress.includes(':') ? `[${address.ownAddress}]` : address.ownAddress;
    return {
      role: this.#role(now),
      endpoint: `${host}:${datagrams.port}`,
      other_heard: this.#hears(now),
      endpoints: this.#holding ? this.#teller.size : this.#replica.all.size,
      clock_behind: this.#hears(now) ? Math.max(0, Math.round((this.#other?.clockAhead ?? 0) / 1_000)) : 0,
      stranger: (!this.#isSettling(now) && this.#strangerNow(now)?.hardware) || null,
    };
  }

  /** Why this node could not have the address, in the last minute. */
  get failure(): Error | null {
    return this.#failureNow(this.#parts.clock.monotonic());
  }

  /** The engine's vote, or its question. */
  vote(from: string, message: VoteMessage): void {
    if (from !== WITNESS || this.#closed) return;
    this.#safely(() => this.#decider.voted(WITNESS, from, message, this.#parts.clock.monotonic()));
  }

  /**
   * Gives the address to the other node, once that knows all. Errors: HA_NOT_READY, with why. Resolves when it is given;
   * that the other one has it, that one tells.
   */
  async give(reason: 'planned' | 'stopped'): Promise<void> {
    const { clock } = this.#parts;
    if (!this.#holding || this.#leaving) return;
    const why = this.#unready(clock.monotonic());
    if (why !== null) throw new BorealisError('HA_NOT_READY', { detail: why });
    await this.#look();
    await this.#until(() => this.#teller.isKnown, TOLD_MS);
    await this.#leave(reason);
  }

  async #leave(reason: 'planned' | 'stopped'): Promise<void> {
    this.#leaving = reason;
    this.#present('leaving');
    try {
      await this.#decider.release(REST_MS);
    } finally {
      this.#leaving = null;
    }
  }

  /** The address is given to the other node where that can be, and is gone from here. */
  async close(): Promise<void> {
    if (this.#closed) return;
    if (this.#holding) {
      const { log } = this.#parts;
      await this.give('stopped')
        .catch((error: unknown) => {
          log.warn({ err: error }, 'the floating address is given up; nobody can take it now');
          return this.#leave('stopped');
        })
        // Then it is the kernel that takes it away.
        .catch((error: unknown) => log.error({ err: error }, 'the floating address could not be given up'));
      // Its vote is needed until then.
      await this.#until(() => this.#other?.presence.role === 'holder', TAKEN_MS);
    }
    this.#closed = true;
    clearInterval(this.#timer);
    this.#holding?.abort();
    this.#holding = undefined;
    const { address, datagrams } = this.#parts;
    try {
      await this.#decider.close();
      await this.#clearing;
      address.drop();
    } finally {
      // A socket that stays open would keep the port from whoever comes after this one.
      await datagrams.close();
      await address.close();
    }
  }

  /** What the machine refuses ends neither the agent nor the node's part: the kernel takes the address away in time. */
  #safely(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  // Each tick

  #tick(): void {
    if (this.#closed) return;
    const { clock, ha } = this.#parts;
    const now = clock.monotonic();
    this.#lookForStrangers(now);
    this.#tellBehind(now);
    this.#decider.tick(now);
    // Who asks for a switch as soon as a change is in force is not to hear that the other one may not have it yet.
    const isNews = this.#parts.revision() !== this.#toldRevision;
    if (isNews || now - this.#toldAt >= Math.min(ha.lease.renew, PRESENT_MS))
      this.#present(this.#holding ? 'holder' : 'standby');
    if (this.#holding && now - this.#lookedAt >= LOOK_MS && !this.#looking) void this.#look();
    this.#tellChanges(now);
  }

  #mayAsk(now: number): boolean {
    return !this.#isSettling(now) && this.#strangerNow(now) === undefined && !this.#isBehind();
  }

  /** What the other one has and this one has not: a connection that was shut out there would come in here. */
  #isBehind(): boolean {
    return (this.#other?.presence.revision ?? 0) > this.#parts.revision();
  }

  /** Not of what is on its way. */
  #tellBehind(now: number): void {
    if (!this.#isBehind()) {
      this.#behind = undefined;
      return;
    }
    const { since, isTold } = this.#behind ?? { since: now, isTold: false };
    const tells = !isTold && now - since >= LATE_MS;
    this.#behind = { since, isTold: isTold || tells };
    if (!tells) return;
    const { log, ha } = this.#parts;
    const msg =
      'the other node knows of changes that did not come here: the floating address is not taken until they do';
    log.warn({ address: ha.address }, msg);
  }

  #send(to: 'other' | typeof WITNESS, message: VoteMessage): void {
    if (to === WITNESS) this.#parts.ask(this.#name, message);
    else this.#say({ t: 'vote', from: this.#name, message });
  }

  #say(message: PairMessage): void {
    this.#parts.datagrams.send(message);
  }

  #took(): void {
    if (this.#holding || this.#closed) return;
    this.#failed = undefined;
    const { log, clock, address, service, ha } = this.#parts;
    const holding = new AbortController();
    this.#holding = holding;
    const at = clock.monotonic();
    const before = this.#before;
    const reason = this.#whyTaken();
    // Who was served here alone before would go on with this node's own address, where nobody hears them now.
    const places = reason === 'first' ? service.places() : [];
    const [endpoints, since] = [new Map([...places, ...this.#replica.all]), before?.at ?? at];
    this.#tenure += 1;
    this.#otherTenure = this.#other?.presence;
    this.#teller = new EndpointsTeller(`${this.#name}-${this.#tenure}`);
    this.#present('holder');
    log.info({ address: ha.address, reason, clients: endpoints.size }, 'this node has the floating address');
    void this.#clearing
      .then(() =>
        takeOver(
          endpoints,
          {
            announce: () => this.#safely(() => address.announce()),
            peers: () => service.peers(),
            call: (places, keepalive) => service.startHandshakes(places, keepalive),
            settle: () => service.settle(),
            clock,
          },
          holding.signal,
        ),
      )
      .then(({ backAt, clients, back }) =>
        this.#record({
          id: randomUUID(),
          at: new Date(clock.now()).toISOString(),
          reason,
          from: before?.guid ?? null,
          to: ha.self,
          gap_ms: before ? Math.max(0, Math.round(backAt - since)) : null,
          clients,
          back,
        }),
      )
      .catch((error: unknown) => log.error({ err: error }, 'the clients could not be called'));
    this.#before = { guid: ha.self, at };
    this.#left = null;
  }

  #whyTaken(): SwitchReason {
    if (!this.#before) return 'first';
    return this.#left ?? 'lost';
  }

  async #record(one: HaSwitch): Promise<void> {
    const { switches, told, log } = this.#parts;
    log.info({ reason: one.reason, gap_ms: one.gap_ms, clients: one.clients, back: one.back }, 'taken over');
    await switches.add(one);
    told();
  }

  /** The address is gone already. */
  #lost(): void {
    if (!this.#holding) return;
    const { log, ha, clock } = this.#parts;
    this.#holding.abort();
    this.#holding = undefined;
    this.#replica.learn(this.#teller.all);
    this.#before = { guid: ha.self, at: clock.monotonic() };
    log.warn({ address: ha.address }, 'this node has the floating address no more');
    this.#present(this.#leaving ? 'leaving' : 'standby');
    this.#clear();
  }

  #fail(error: Error): void {
    const { log, clock } = this.#parts;
    const now = clock.monotonic();
    if (this.#failureNow(now)?.message !== error.message)
      log.error({ err: error }, 'this node cannot have the floating address');
    this.#failed = { error, at: now };
  }

  #failureNow(now: number): Error | null {
    return this.#failed && now - this.#failed.at < FAILED_MS ? this.#failed.error : null;
  }

  /** Sessions that were with this node are with the other one now, or nowhere. */
  #clear(): void {
    const { service, log } = this.#parts;
    this.#clearing = this.#clearing
      .then(() => service.clearSessions())
      .catch((error: unknown) => log.error({ err: error }, 'the sessions could not be cleared'));
  }

  // What comes in

  #heard(data: unknown): void {
    const parsed = pairMessage.safeParse(data);
    if (!parsed.success || this.#closed) return;
    const message = parsed.data;
    const { ha } = this.#parts;
    if (message.t === 'have') {
      if (message.of === this.#teller.from) this.#teller.acknowledged(message.upto);
      return;
    }
    if (!message.from.startsWith(`${ha.other}/`)) return;
    if (message.t === 'vote') {
      const isGiven = message.message.kind === 'release' && this.#other?.presence.role === 'leaving';
      if (isGiven) this.#otherHas();
      this.#decider.voted('other', message.from, message.message, this.#parts.clock.monotonic());
    } else if (message.t === 'here') this.#heardOf(message);
    else if (!this.#holding) {
      const upto = this.#replica.heard(message);
      if (upto !== null) this.#say({ t: 'have', of: message.from, upto });
    }
  }

  #otherHas(): void {
    const { ha, clock } = this.#parts;
    this.#before = { guid: ha.other, at: clock.monotonic() };
  }

  #heardOf(presence: Presence): void {
    if (this.#other?.presence.from !== presence.from) this.#teller.startOver();
    const { clock } = this.#parts;
    this.#other = { presence, at: clock.monotonic(), clockAhead: presence.now - clock.now() };
    if (presence.role === 'leaving') this.#left = presence.reason;
    if (presence.role !== 'holder') {
      if (this.#holding && this.#decider.mayBeTwo) this.#outlast(presence);
      return;
    }
    this.#left = null;
    this.#otherHas();
  }

  /** Where both had it, and this one stays: clients went to the other one meanwhile, and have their sessions there. */
  #outlast({ from, tenure }: Presence): void {
    const known = this.#otherTenure;
    this.#otherTenure = { from, tenure };
    if (tenure <= (known?.from === from ? known.tenure : 0)) return;
    const { log, ha } = this.#parts;
    log.warn({ address: ha.address }, 'the other node had the floating address as well: clients are called');
    this.#otherHas();
    this.#holding?.abort();
    this.#holding = undefined;
    this.#replica.learn(this.#teller.all);
    this.#clear();
    this.#took();
  }

  #present(role: Presence['role']): void {
    const { clock, address } = this.#parts;
    const [now, revision] = [clock.monotonic(), this.#parts.revision()];
    this.#toldAt = now;
    this.#toldRevision = revision;
    this.#say({
      t: 'here',
      from: this.#name,
      revision,
      role,
      tenure: this.#tenure,
      reason: this.#leaving,
      ready:
        !this.#decider.rests(now) &&
        this.#strangerNow(now) === undefined &&
        !this.#isBehind() &&
        this.#failureNow(now) === null,
      hardware: address.ownHardwareAddress,
      now: clock.now(),
    });
  }

  async #look(): Promise<void> {
    const { clock, service, log } = this.#parts;
    this.#looking = true;
    this.#lookedAt = clock.monotonic();
    try {
      const peers = await service.peers();
      if (peers && this.#holding) {
        this.#teller.saw(peers);
        for (const message of this.#teller.round()) this.#say(message);
      }
    } catch (error) {
      log.warn({ err: error }, 'it could not be seen where the clients are');
    } finally {
      this.#looking = false;
    }
  }

  // Strangers

  #lookForStrangers(now: number): void {
    if (now - this.#probedAt < (this.#holding ? DEFEND_MS : PROBE_MS)) return;
    // It is in good hands.
    if (!this.#holding && !this.#isSettling(now) && this.#decider.isKept(now)) return;
    this.#probedAt = now;
    this.#parts.address.probe();
  }

  /** It looks who is there; the other node may not have said yet who it is. */
  #isSettling(now: number): boolean {
    return now - this.#begun < FIRST_LOOK_MS;
  }

  #answered(hardware: string): void {
    const { clock, log, ha } = this.#parts;
    const now = clock.monotonic();
    if (hardware === this.#other?.presence.hardware) return;
    if (hardware === this.#shutOut?.hardware && now < this.#shutOut.until) return;
    // The first answer may be the other node's, which has not said yet what its hardware address is.
    const isTold = this.#strangerNow(now)?.isTold ?? false;
    const tells = !isTold && !this.#isSettling(now);
    this.#stranger = { hardware, at: now, isTold: isTold || tells };
    if (tells) log.error({ address: ha.address, hardware }, 'a stranger has the floating address');
    // It is ours: who believed the stranger hears it again.
    if (this.#holding) this.#parts.address.announce();
  }

  #strangerNow(now: number) {
    const stranger = this.#stranger;
    if (!stranger || now - stranger.at >= STRANGER_MS) return undefined;
    // The other node, before it had told what its hardware address is.
    return stranger.hardware === this.#other?.presence.hardware ? undefined : stranger;
  }

  // What is told

  #hears(now: number): boolean {
    return this.#other !== undefined && now - this.#other.at < 4 * this.#parts.ha.lease.renew;
  }

  #role(now: number): HostedHaState['role'] {
    if (this.#holding) return 'holder';
    if (this.#strangerNow(now) && !this.#isSettling(now)) return 'conflict';
    if (this.#failureNow(now)) return 'failed';
    return this.#isBehind() ? 'behind' : 'standby';
  }

  /** Why the other one could not take it; null: it can. */
  #unready(now: number): string | null {
    const presence = this.#other?.presence;
    if (!presence || !this.#hears(now)) return 'The other node is not heard by the one that has the address.';
    if (presence.revision < this.#parts.revision())
      return 'The other node does not have the newest connections yet.';
    return presence.ready ? null : 'The other node says that it cannot take the address.';
  }

  #tellChanges(now: number): void {
    const { role, endpoint, other_heard, stranger, endpoints, clock_behind } = this.state;
    const failure = this.#failureNow(now)?.message;
    if (endpoints !== this.#counted.endpoints && now - this.#counted.at >= COUNT_MS)
      this.#counted = { endpoints, at: now };
    const counted = this.#counted.endpoints;
    const beat = Math.floor(now / BEAT_MS);
    const said = JSON.stringify([
      ...[role, endpoint, other_heard, stranger, failure, counted, beat],
      clock_behind,
    ]);
    if (said === this.#said) return;
    this.#said = said;
    this.#parts.told();
  }

  /** For as long as it takes, at most so long. */
  async #until(holds: () => boolean, ms: number): Promise<void> {
    const { clock } = this.#parts;
    const end = clock.monotonic() + ms;
    while (!holds() && clock.monotonic() < end) await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
