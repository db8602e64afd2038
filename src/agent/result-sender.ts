/** Sends results until the engine has acknowledged them: oldest first, a few at a time, again on each new channel. */
import type { Uplink } from './channel.ts';
import type { Journal } from './journal.ts';
import type { AgentLog } from './log.ts';

/** Results under way at once, so that a long absence does not end in a flood. */
const WINDOW = 16;
/** The engine acknowledges within its store's next commit. Where it does not, others get the place, then it is sent again. */
const AGAIN_MS = 60_000;

export interface ResultSenderOptions {
  readonly journal: Journal;
  readonly uplink: Uplink;
  readonly log: AgentLog;
}

export class ResultSender {
  readonly #options: ResultSenderOptions;
  #unsent: string[] = [];
  #online = false;
  /** Sent on this channel, not acknowledged; and the timer after which each is sent again. */
  readonly #underWay = new Map<string, NodeJS.Timeout>();

  constructor(options: ResultSenderOptions) {
    this.#options = options;
  }

  /** A channel is open. What was sent on the one before may not have arrived. */
  online(): void {
    this.offline();
    this.#online = true;
    this.#unsent = [...this.#options.journal.finishedOnes()];
    this.#fill();
  }

  offline(): void {
    this.#online = false;
    for (const timer of this.#underWay.values()) clearTimeout(timer);
    this.#underWay.clear();
    this.#unsent = [];
  }

  /** A command has finished, or the engine asks for its result once more. */
  add(corrId: string): void {
    // The next channel begins with all that is finished.
    if (!this.#online || this.#unsent.includes(corrId)) return;
    this.#leave(corrId);
    this.#unsent.push(corrId);
    this.#fill();
  }

  async acknowledged(corrId: string): Promise<void> {
    await this.#options.journal.settled(corrId);
    this.#leave(corrId);
    this.#fill();
  }

  #leave(corrId: string): void {
    clearTimeout(this.#underWay.get(corrId));
    this.#underWay.delete(corrId);
  }

  #fill(): void {
    while (this.#underWay.size < WINDOW) {
      const corrId = this.#unsent.shift();
      if (corrId === undefined) return;
      this.#underWay.set(corrId, setTimeout(() => this.add(corrId), AGAIN_MS).unref());
      this.#send(corrId).catch((error: unknown) =>
        this.#options.log.error({ err: error, corr_id: corrId }, 'a result could not be read'),
      );
    }
  }

  async #send(corrId: string): Promise<void> {
    const { journal, uplink } = this.#options;
    if (journal.find(corrId)?.stage !== 'finished') return;
    const envelope = await journal.result(corrId);
    uplink.send({ type: 'RESULT', corr_id: corrId, envelope });
  }
}
