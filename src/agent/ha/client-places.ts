/** Where the clients of the service are: looked at and told by the holder, known by the standby (endpoints.ts). */
import type { Clock } from '../../sys/clock.ts';
import type { AgentLog } from '../log.ts';
import type { DutyService } from './duty-parts.ts';
import { EndpointsReplica, EndpointsTeller } from './endpoints.ts';
import type { EndpointsMessage, PairMessage } from './messages.ts';

/** Between two looks where the clients are. */
const LOOK_MS = 500;

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
    if (of === this.#teller.from) this.#teller.acknowledged(upto);
  }

  tick(now: number): void {
    if (this.#parts.isHolder() && now - this.#lookedAt >= LOOK_MS && !this.#looking) void this.look();
  }

  /** Never rejects. */
  async look(): Promise<void> {
    const { clock, service, isHolder, say, log } = this.#parts;
    this.#looking = true;
    this.#lookedAt = clock.monotonic();
    try {
      const peers = await service.peers();
      if (peers && isHolder()) {
        this.#teller.saw(peers);
        for (const message of this.#teller.round()) say(message);
      }
    } catch (error) {
      log.warn({ err: error }, 'it could not be seen where the clients are');
    } finally {
      this.#looking = false;
    }
  }
}
