/** Where the clients of the service are: looked at and told by the holder, known by the standby (endpoints.ts). */
import type { Clock } from '../../sys/clock.ts';
import type { AgentLog } from '../log.ts';
import type { DutyService } from './duty-parts.ts';
import { EndpointsReplica, EndpointsTeller } from './endpoints.ts';
import type { EndpointsMessage, PairMessage } from './messages.ts';

/** Between two looks where the clients are. */
const LOOK_MS = 500;
/** A round that is answered in part only is told again after so long: a datagram was lost. */
const AGAIN_MS = 100;

export interface ClientPlacesParts {
  /** Of this process. */
  readonly name: string;
  readonly isHolder: () => boolean;
  readonly service: Pick<DutyService, 'peers' | 'learnPlaces'>;
  readonly say: (message: PairMessage) => void;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly log: AgentLog;
}

export class ClientPlaces {
  readonly #parts: ClientPlacesParts;
  readonly #replica = new EndpointsReplica();
  #teller: EndpointsTeller;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #looking = false;
  #toldAt = Number.NEGATIVE_INFINITY;
  /** Whoever answers to nothing hears the next round with the next look: nobody may be there. */
  #answered = false;

  constructor(parts: ClientPlacesParts) {
    this.#parts = parts;
    this.#teller = new EndpointsTeller(parts.name);
  }

  /** How many are known. */
  get size(): number {
    return this.#parts.isHolder() ? this.#teller.size : this.#replica.all.size;
  }

  /** As the holders told, by public key. */
  get all(): ReadonlyMap<string, string> {
    return this.#replica.all;
  }

  /** The other node knows all of them. */
  get areTold(): boolean {
    return this.#teller.isKnown;
  }

  /** This node has the address; `tenure`: how often it has had it by now. */
  took(tenure: number): void {
    this.#teller = new EndpointsTeller(`${this.#parts.name}-${tenure}`);
  }

  /** It had the address until now. */
  lost(): void {
    this.#replica.learn(this.#teller.all);
  }

  /** Another process listens at the other end, and has nothing yet. */
  startOver(): void {
    this.#teller.startOver();
  }

  heard(message: EndpointsMessage): void {
    if (this.#parts.isHolder()) return;
    const upto = this.#replica.heard(message);
    if (upto === null) return;
    const there = message.entries.filter((entry): entry is [string, string] => entry[1] !== null);
    this.#parts.service.learnPlaces(there);
    this.#parts.say({ t: 'have', of: message.from, upto });
  }

  acknowledged(of: string, upto: number): void {
    if (of !== this.#teller.from || !this.#teller.acknowledged(upto)) return;
    this.#answered = true;
    if (this.#teller.mayGoOn && this.#parts.isHolder()) this.#tell();
  }

  tick(now: number): void {
    if (!this.#parts.isHolder()) return;
    if (now - this.#lookedAt >= LOOK_MS && !this.#looking) void this.look();
    else if (this.#answered && !this.areTold && now - this.#toldAt >= AGAIN_MS) this.#tell();
  }

  /** The next of all that the other node does not know yet. */
  #tell(): void {
    this.#toldAt = this.#parts.clock.monotonic();
    this.#answered = false;
    for (const message of this.#teller.round()) this.#parts.say(message);
  }

  /** Never rejects. */
  async look(): Promise<void> {
    const { clock, service, isHolder, log } = this.#parts;
    this.#looking = true;
    this.#lookedAt = clock.monotonic();
    try {
      const peers = await service.peers();
      if (peers && isHolder()) {
        this.#teller.saw(peers);
        this.#tell();
      }
    } catch (error) {
      log.warn({ err: error }, 'it could not be seen where the clients are');
    } finally {
      this.#looking = false;
    }
  }
}
