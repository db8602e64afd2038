/** Which of the agents that have just connected have something waiting: few do, and thousands connect at once. */
import type { Logger } from 'pino';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { AgentChannel } from '../channel/agent-channel.ts';

const BATCH = 250;

export interface ArrivalParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** The store has open commands for the device. */
  readonly awaited: (channel: AgentChannel) => void;
}

export class Arrivals {
  readonly #parts: ArrivalParts;
  #waiting: AgentChannel[] = [];
  #busy = false;
  #stopped = false;

  constructor(parts: ArrivalParts) {
    this.#parts = parts;
  }

  add(channel: AgentChannel): void {
    this.#waiting.push(channel);
    if (this.#busy) return;
    this.#busy = true;
    setImmediate(() => void this.#run());
  }

  stop(): void {
    this.#stopped = true;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#stopped) {
      const batch = this.#waiting.splice(0, BATCH).filter((channel) => channel.phase === 'ready');
      try {
        const awaited = await this.#awaited(batch.map((channel) => channel.guid));
        for (const channel of batch) {
          if (channel.phase === 'ready' && awaited.has(channel.guid)) this.#parts.awaited(channel);
        }
      } catch (error) {
        this.#parts.log.error(
          { err: error, agents: batch.length },
          'waiting commands could not be looked up',
        );
      }
      // Reads go by microtasks alone; everybody else gets a turn.
      await new Promise<void>((next) => setImmediate(next));
    }
    this.#busy = false;
  }

  async #awaited(guids: readonly string[]): Promise<Set<string>> {
    const rows = await this.#parts.store.read
      .selectFrom('job_target')
      .select('guid')
      .distinct()
      .where('guid', 'in', guids)
      .where('finished_at', 'is', null)
      .where('expires_at', '>', this.#parts.clock.now())
      .execute();
    return new Set(rows.map((row) => row.guid));
  }
}
