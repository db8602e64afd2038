/** Sends results until the engine has acknowledged them: oldest first, a few at a time, again on each new channel. */
import type { Uplink } from './channel.ts';
import type { Journal } from './journal.ts';
import type { AgentLog } from './log.ts';

/** Results under way at once, so that a long absence does not end in a flood. */
const WINDOW = 16;

export interface ResultSenderOptions {
  readonly journal: Journal;
  readonly uplink: Uplink;
  readonly log: AgentLog;
}

export class ResultSender {
  readonly #options: ResultSenderOptions;
  #unsent: string[] = [];
  /** Sent on this channel, not acknowledged. */
  readonly #underWay = new Set<string>();

  constructor(options: ResultSenderOptions) {
    this.#options = options;
  }

  /** A channel is open. What was sent on the one before may not have arrived. */
  online(): void {
    this.#underWay.clear();
    this.#unsent = [...this.#options.journal.finishedOnes()];
    this.#fill();
  }

  /** A command has finished, or the engine asks for its result once more. */
  add(corrId: string): void {
    if (this.#unsent.includes(corrId)) return;
    this.#underWay.delete(corrId);
    this.#unsent.push(corrId);
    this.#fill();
  }

  async acknowledged(corrId: string): Promise<void> {
    await this.#options.journal.settled(corrId);
    this.#underWay.delete(corrId);
    this.#fill();
  }

  #fill(): void {
    while (this.#underWay.size < WINDOW) {
      const corrId = this.#unsent.shift();
      if (corrId === undefined) return;
      this.#underWay.add(corrId);
      this.#send(corrId).catch((error: unknown) =>
        this.#options.log.error({ err: error, corr_id: corrId }, 'a result could not be read'),
      );
    }
  }

  async #send(corrId: string): Promise<void> {
    const { journal, uplink } = this.#options;
    if (journal.find(corrId)?.stage !== 'finished') return;
    const envelope = await journal.result(corrId);
    // Where there is no channel now, the next one begins with all that is finished.
    uplink.send({ type: 'RESULT', corr_id: corrId, envelope });
  }
}
