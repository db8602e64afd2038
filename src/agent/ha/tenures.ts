/**
 * The times for which this node has the floating address: with each come the handshakes, and with its end the sessions go.
 * Each is told of as a switch.
 */
import { randomUUID } from 'node:crypto';
import type { FloatingAddress } from '../../ha/platform.ts';
import type { HostedHa, SwitchReason } from '../../protocol/bastion.ts';
import type { Clock } from '../../sys/clock.ts';
import type { AgentLog } from '../log.ts';
import type { ClientPlaces } from './client-places.ts';
import type { DutyService } from './duty-parts.ts';
import type { Presence } from './messages.ts';
import type { SwitchLog } from './switch-log.ts';
import { type Outcome, takeOver } from './takeover.ts';

export interface TenuresParts {
  readonly ha: HostedHa;
  readonly address: Pick<FloatingAddress, 'announce'>;
  readonly service: DutyService;
  readonly places: ClientPlaces;
  readonly switches: Pick<SwitchLog, 'add'>;
  /** What the other node said last. */
  readonly presence: () => Presence | undefined;
  /** The other node is to hear what this one is now. */
  readonly changed: () => void;
  /** Another switch is known. */
  readonly told: () => void;
  /** Does it; what fails is this node's failure, and no more. */
  readonly safely: (work: () => void) => void;
  readonly clock: Clock;
  readonly log: AgentLog;
}

/** Of whoever had the address; monotonic. */
interface Sign {
  readonly guid: string;
  readonly at: number;
}

export class Tenures {
  readonly #parts: TenuresParts;
  /** How often this process had the address. */
  #count = 0;
  /** How often the other one had it, when this one took it or heard last that it is here alone. */
  #others: Pick<Presence, 'from' | 'tenure'> | undefined;
  #holding: AbortController | undefined;
  /** Who had it last, as far as was seen here, and its last sign. */
  #before: Sign | undefined;
  /** Why the other one left it, since it had it last. */
  #left: SwitchReason | null = null;
  #clearing: Promise<void> = Promise.resolve();

  constructor(parts: TenuresParts) {
    this.#parts = parts;
  }

  get isHolder(): boolean {
    return this.#holding !== undefined;
  }

  get count(): number {
    return this.#count;
  }

  /** When the other one was last known to have it; -Infinity: never, or it has been here since. Monotonic. */
  get otherHadAt(): number {
    const { ha } = this.#parts;
    return this.#before?.guid === ha.other ? this.#before.at : Number.NEGATIVE_INFINITY;
  }

  otherHas(): void {
    const { ha, clock } = this.#parts;
    this.#before = { guid: ha.other, at: clock.monotonic() };
  }

  /** `mayBeTwo`: both may have it for a while (decider.ts). */
  heard(presence: Presence, mayBeTwo: boolean): void {
    if (presence.role === 'leaving') this.#left = presence.reason;
    if (presence.role === 'holder') {
      this.#left = null;
      this.otherHas();
    } else if (this.#holding && mayBeTwo) this.#outlast(presence);
  }

  took(): void {
    if (this.#holding) return;
    const { log, clock, service, ha, places, presence, changed } = this.#parts;
    const holding = new AbortController();
    this.#holding = holding;
    const at = clock.monotonic();
    const before = this.#before;
    const reason = this.#before ? (this.#left ?? 'lost') : 'first';
    // Who was served here alone before would go on with this node's own address, where nobody hears them now. And of an
    // agent that was killed, what it knew is all that is known until the other one has told.
    const seen = reason === 'first' || places.all.size === 0 ? service.places() : [];
    // Whoever was removed since is not waited for.
    const clients = service.clients();
    const endpoints = new Map([...seen, ...places.all].filter(([key]) => clients.has(key)));
    this.#count += 1;
    this.#others = presence();
    places.took(this.#count);
    changed();
    log.info({ address: ha.address, reason, clients: endpoints.size }, 'this node has the floating address');
    this.#call(endpoints, holding.signal)
      .then((outcome) => this.#record(reason, before, outcome))
      .catch((error: unknown) => log.error({ err: error }, 'the clients could not be called'));
    this.#before = { guid: ha.self, at };
    this.#left = null;
  }

  /** The address is gone already. */
  lost(): void {
    if (!this.#holding) return;
    const { log, ha, clock, places, changed } = this.#parts;
    this.stop();
    places.lost();
    this.#before = { guid: ha.self, at: clock.monotonic() };
    log.warn({ address: ha.address }, 'this node has the floating address no more');
    changed();
    this.clear();
  }

  /** Nothing more comes of it. */
  stop(): void {
    this.#holding?.abort();
    this.#holding = undefined;
  }

  /** Sessions that were with this node are with the other one now, or nowhere. */
  clear(): void {
    const { service, log } = this.#parts;
    this.#clearing = this.#clearing
      .then(() => service.clearSessions())
      .catch((error: unknown) => log.error({ err: error }, 'the sessions could not be cleared'));
  }

  /** Never rejects. */
  get cleared(): Promise<void> {
    return this.#clearing;
  }

  /** Where both had it, and this one stays: clients went to the other one meanwhile, and have their sessions there. */
  #outlast({ from, tenure }: Presence): void {
    const known = this.#others;
    this.#others = { from, tenure };
    if (tenure <= (known?.from === from ? known.tenure : 0)) return;
    const { log, ha, places } = this.#parts;
    log.warn({ address: ha.address }, 'the other node had the floating address as well: clients are called');
    this.otherHas();
    this.stop();
    places.lost();
    this.clear();
    this.took();
  }

  async #call(endpoints: ReadonlyMap<string, string>, signal: AbortSignal): Promise<Outcome> {
    const { address, service, safely, clock, log } = this.#parts;
    await this.#clearing;
    return takeOver(
      endpoints,
      {
        announce: () => safely(() => address.announce()),
        peers: () => service.peers(),
        call: (places, keepalive) => service.startHandshakes(places, keepalive),
        settle: () => service.settle(),
        failed: (error) => log.error({ err: error }, 'not all was done to call the clients'),
        clock,
      },
      signal,
    );
  }

  async #record(
    reason: SwitchReason,
    before: Sign | undefined,
    { backAt, clients, back }: Outcome,
  ): Promise<void> {
    const { ha, switches, told, clock, log } = this.#parts;
    const gap_ms = before ? Math.max(0, Math.round(backAt - before.at)) : null;
    log.info({ reason, gap_ms, clients, back }, 'taken over');
    const when = new Date(clock.now()).toISOString();
    const from = before?.guid ?? null;
    await switches.add({ id: randomUUID(), at: when, reason, from, to: ha.self, gap_ms, clients, back });
    told();
  }
}
