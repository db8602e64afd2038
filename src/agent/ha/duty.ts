/**
 * One node's part in a pair: asks for the floating address, does what comes with having it, and stops when it is gone.
 * Who may have it is decided in ha/node.ts; that nobody has it too long is the kernel's work (ha/platform.ts).
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { HaNode, type Sent, type Step, type VoteMessage } from '../../ha/node.ts';
import type { Datagrams, FloatingAddress } from '../../ha/platform.ts';
import { Voter } from '../../ha/voter.ts';
import { answerTo } from '../../ha/voting.ts';
import type { HaSwitch, HostedHa, HostedHaState, SwitchReason } from '../../protocol/bastion.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { Clock } from '../../sys/clock.ts';
import type { AgentLog } from '../log.ts';
import { EndpointsReplica, EndpointsTeller, type PeerPlace } from './endpoints.ts';
import { type PairMessage, type Presence, pairMessage } from './messages.ts';
import type { SwitchLog } from './switch-log.ts';
import { type CountedPeer, takeOver } from './takeover.ts';

const WITNESS = 'witness';
const TICK_MS = 25;
/** Between two looks where the clients are. */
const LOOK_MS = 500;
/** The preferred node goes first when both begin at once. */
const MODESTY_MS = 150;
/** Who has given the address away does not ask for it until the other one has had the time to take it. */
const REST_MS = 3_000;
/** How long the other one is waited for: until it knows where all clients are; until it has the address. */
const TOLD_MS = 300;
const TAKEN_MS = 700;
/** Before the first time, nobody may answer for the address for so long (RFC 5227 §2.1.1 waits longer, for slow links). */
const FIRST_LOOK_MS = 600;
const PROBE_MS = 200;
/** While a stranger answers for the address, and so long after, it is not asked for. */
const STRANGER_MS = 10_000;
/** Of the holder that renews each `renew`: so much less than a promise that it has missed some. */
const DOUBT_MS = 1_000;
const DEFEND_MS = 10_000;

/** WireGuard of the service on this node. */
export interface DutyService {
  peers(): Promise<readonly (PeerPlace & CountedPeer)[] | null>;
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
  readonly at: number;
}

export class Duty {
  readonly #parts: DutyParts;
  /** Of this process: whoever comes after it knows nothing of what it asked. */
  readonly #name: string;
  readonly #voter: Voter;
  readonly #node: HaNode;
  readonly #replica = new EndpointsReplica();
  #teller: EndpointsTeller;
  #timer: NodeJS.Timeout | undefined;
  #holding: AbortController | undefined;
  #other: Other | undefined;
  /** Who had it last, as far as was seen here, and its last sign. */
  #before: { readonly guid: string; readonly at: number } | undefined;
  #leaving: SwitchReason | null = null;
  #stranger: { readonly hardware: string; readonly at: number } | undefined;
  #begun = 0;
  #toldAt = Number.NEGATIVE_INFINITY;
  #probedAt = Number.NEGATIVE_INFINITY;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #looking = false;
  #failure: Error | null = null;
  #closed = false;
  #clearing: Promise<void> = Promise.resolve();
  #said = '';

  constructor(parts: DutyParts) {
    const { ha, clock } = parts;
    this.#parts = parts;
    this.#name = `${ha.self}/${randomBytes(9).toString('base64url')}`;
    const now = clock.monotonic();
    this.#voter = new Voter(ha.lease, now);
    this.#node = new HaNode({
      name: this.#name,
      others: [ha.other, WITNESS],
      times: ha.lease,
      voter: this.#voter,
      modesty: ha.preferred ? 0 : MODESTY_MS,
    });
    this.#teller = new EndpointsTeller(this.#name);
  }

  start(): void {
    const { address, datagrams, clock } = this.#parts;
    this.#begun = clock.monotonic();
    // Of a process before this one, whose lease is not ours.
    address.drop();
    address.onAnswer((hardware) => this.#answered(hardware));
    datagrams.onMessage((data) => this.#heard(data));
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#clear();
  }

  /** Where the other node hears votes, as the engine knows it. */
  turnTo(endpoint: string | null): void {
    this.#parts.datagrams.turnTo(endpoint);
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
      endpoints: this.#replica.all.size,
      stranger: this.#strangerNow(now)?.hardware ?? null,
    };
  }

  /** The engine's vote, or its question. */
  vote(from: string, message: VoteMessage): void {
    if (from === WITNESS) this.#voted(WITNESS, message);
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
    this.#leaving = reason;
    this.#present('leaving');
    this.#do(this.#node.release(clock.monotonic(), REST_MS));
    this.#leaving = null;
  }

  /** The address is given to the other node where that can be, and is gone from here. */
  async close(): Promise<void> {
    if (this.#closed) return;
    if (this.#holding) {
      await this.give('stopped').catch((error: unknown) => {
        const { log } = this.#parts;
        log.warn({ err: error }, 'the floating address is given up; nobody can take it now');
        this.#do(this.#node.release(this.#parts.clock.monotonic(), REST_MS));
      });
      // Its vote is needed until then.
      await this.#until(() => this.#other?.presence.role === 'holder', TAKEN_MS);
    }
    this.#closed = true;
    clearInterval(this.#timer);
    this.#holding?.abort();
    this.#holding = undefined;
    await this.#clearing;
    this.#parts.address.drop();
    this.#parts.address.close();
    await this.#parts.datagrams.close();
  }

  // Each tick

  #tick(): void {
    if (this.#closed) return;
    const { clock, ha } = this.#parts;
    const now = clock.monotonic();
    this.#lookForStrangers(now);
    // Its own vote is given in any case.
    if (this.#holding || this.#mayAsk(now)) this.#do(this.#node.tick(now));
    if (now - this.#toldAt >= ha.lease.renew) this.#present(this.#holding ? 'holder' : 'standby');
    if (this.#holding && now - this.#lookedAt >= LOOK_MS && !this.#looking) void this.#look();
    this.#tellChanges(now);
  }

  #mayAsk(now: number): boolean {
    return now - this.#begun >= FIRST_LOOK_MS && this.#strangerNow(now) === undefined && !this.#isBehind();
  }

  /** What the other one has and this one has not: a connection that was shut out there would come in here. */
  #isBehind(): boolean {
    return (this.#other?.presence.revision ?? 0) > this.#parts.revision();
  }

  #do(step: Step): void {
    // It is gone from here before anybody hears that it is free.
    if (step.lifetime === 0) this.#lose();
    for (const sent of step.send) this.#send(sent);
    if (step.lifetime !== null && step.lifetime > 0) this.#hold(step.lifetime);
  }

  #send({ to, message }: Sent): void {
    if (to === WITNESS) this.#parts.ask(this.#name, message);
    else this.#say({ t: 'vote', from: this.#name, message });
  }

  #say(message: PairMessage): void {
    this.#parts.datagrams.send(message);
  }

  #hold(lifetimeSeconds: number): void {
    const { address, clock, log } = this.#parts;
    try {
      address.hold(lifetimeSeconds);
    } catch (error) {
      if (this.#failure?.message !== (error as Error).message)
        log.error({ err: error }, 'the floating address cannot be put on the interface');
      this.#failure = error as Error;
      this.#do(this.#node.release(clock.monotonic(), REST_MS));
      return;
    }
    this.#failure = null;
    // Stopped between the two, by whoever stops processes: the kernel counts from now on, the lease does not.
    const now = clock.monotonic();
    if (now + lifetimeSeconds * 1_000 > this.#node.leaseUntil) {
      const left = Math.floor((this.#node.leaseUntil - now) / 1_000);
      if (left < 1) address.drop();
      else address.hold(left);
    }
    if (!this.#holding) this.#took();
  }

  #took(): void {
    const { log, clock, address, service, ha } = this.#parts;
    const holding = new AbortController();
    this.#holding = holding;
    const at = clock.monotonic();
    const before = this.#before;
    const reason = this.#whyTaken();
    const [endpoints, since] = [new Map(this.#replica.all), before?.at ?? at];
    this.#teller = new EndpointsTeller(this.#name);
    this.#present('holder');
    log.info({ address: ha.address, reason, clients: endpoints.size }, 'this node has the floating address');
    void this.#clearing
      .then(() =>
        takeOver(
          endpoints,
          {
            announce: () => address.announce(),
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
  }

  #whyTaken(): SwitchReason {
    if (!this.#before) return 'first';
    const { role, reason } = this.#other?.presence ?? {};
    return role === 'leaving' && reason ? reason : 'lost';
  }

  async #record(one: HaSwitch): Promise<void> {
    const { switches, told, log } = this.#parts;
    log.info({ reason: one.reason, gap_ms: one.gap_ms, clients: one.clients, back: one.back }, 'taken over');
    await switches.add(one);
    told();
  }

  #lose(): void {
    const { address, log, ha, clock } = this.#parts;
    address.drop();
    if (!this.#holding) return;
    this.#holding.abort();
    this.#holding = undefined;
    this.#before = { guid: ha.self, at: clock.monotonic() };
    log.warn({ address: ha.address }, 'this node has the floating address no more');
    this.#present(this.#leaving ? 'leaving' : 'standby');
    this.#clear();
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
      if (message.of === this.#name) this.#teller.acknowledged(message.upto);
      return;
    }
    if (!message.from.startsWith(`${ha.other}/`)) return;
    if (message.t === 'vote') this.#voted(message.from, message.message);
    else if (message.t === 'here') this.#heardOf(message);
    else if (!this.#holding) {
      const upto = this.#replica.heard(message);
      if (upto !== null) this.#say({ t: 'have', of: message.from, upto });
    }
  }

  #voted(from: string, message: VoteMessage): void {
    const { clock, ha } = this.#parts;
    const now = clock.monotonic();
    if (message.kind === 'answer') {
      // A promise that is not wanted any more runs out by itself.
      if (!this.#holding && !this.#mayAsk(now)) return;
      this.#do(this.#node.heard(from === WITNESS ? WITNESS : ha.other, message, now));
      return;
    }
    if (from === WITNESS) return; // it asks for nothing
    const answer = answerTo(this.#voter, from, message, now);
    if (answer) this.#say({ t: 'vote', from: this.#name, message: answer.message });
    if (message.kind === 'ask' && message.firm && this.#voter.holder(now) === from)
      this.#before = { guid: ha.other, at: now };
    // It is free: at once, rather than at the next tick.
    if (message.kind === 'release') {
      if (this.#other?.presence.role === 'leaving') this.#before = { guid: ha.other, at: now };
      this.#tick();
    }
  }

  #heardOf(presence: Presence): void {
    const { clock, ha } = this.#parts;
    const before = this.#other?.presence;
    if (before?.from !== presence.from) this.#teller.startOver();
    const at = clock.monotonic();
    this.#other = { presence, at };
    if (presence.role === 'holder') this.#before = { guid: ha.other, at };
  }

  #present(role: Presence['role']): void {
    const { clock, address, revision } = this.#parts;
    const now = clock.monotonic();
    this.#toldAt = now;
    this.#say({
      t: 'here',
      from: this.#name,
      revision: revision(),
      role,
      reason: this.#leaving,
      ready: this.#strangerNow(now) === undefined && !this.#isBehind() && this.#failure === null,
      hardware: address.ownHardwareAddress,
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
    const isFirst = now - this.#begun < FIRST_LOOK_MS;
    const answer = this.#voter.wouldGrant(this.#name, now);
    // Somebody renews its promise: it is in good hands.
    const isKept = !answer.granted && answer.holder !== null && answer.freeIn > DOUBT_MS;
    if (!this.#holding && isKept && !isFirst) return;
    this.#probedAt = now;
    this.#parts.address.probe();
  }

  #answered(hardware: string): void {
    const { clock, log, ha } = this.#parts;
    if (hardware === this.#other?.presence.hardware) return;
    const now = clock.monotonic();
    if (!this.#strangerNow(now))
      log.error({ address: ha.address, hardware }, 'a stranger has the floating address');
    this.#stranger = { hardware, at: now };
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
    if (this.#strangerNow(now)) return 'conflict';
    if (this.#failure) return 'failed';
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
    const { role, endpoint, other_heard, stranger } = this.state;
    const said = JSON.stringify([role, endpoint, other_heard, stranger, Math.floor(now / 30_000)]);
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
