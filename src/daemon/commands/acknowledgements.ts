/**
 * The word to agents that their results are on disk. One by itself goes at once. Where thousands answer at the same time it
 * waits until they have been heard: an agent keeps its result meanwhile, and says it again only after a minute.
 */
import type { AgentChannel } from '../channel/agent-channel.ts';

/** After the last of many, and after the first of them at the latest. */
const QUIET_MS = 200;
const LATEST_MS = 10_000;
/** Sent in one go before everybody else gets a turn. */
const BURST = 25;

interface Stored {
  readonly channel: AgentChannel;
  readonly corrId: string;
}

export class Acknowledgements {
  #waiting: Stored[] = [];
  #quiet: NodeJS.Timeout | undefined;
  #latest: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;

  now(stored: Stored): void {
    // Where the channel has ended, the agent sends the result again on the next one.
    stored.channel.send({ type: 'RESULT_ACK', corr_id: stored.corrId });
  }

  later(stored: readonly Stored[]): void {
    for (const one of stored) this.#waiting.push(one);
    if (this.#quiet) this.#quiet.refresh();
    else this.#quiet = setTimeout(() => this.#send(), QUIET_MS);
    this.#latest ??= setTimeout(() => this.#send(), LATEST_MS);
  }

  /** Those that wait are sent. */
  close(): void {
    this.#forgetTimers();
    for (const one of this.#waiting.splice(0)) this.now(one);
  }

  #forgetTimers(): void {
    clearTimeout(this.#quiet);
    clearTimeout(this.#latest);
    this.#quiet = undefined;
    this.#latest = undefined;
  }

  #send(): void {
    this.#forgetTimers();
    this.#sending ??= this.#drain().finally(() => {
      this.#sending = undefined;
    });
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      for (const one of this.#waiting.splice(0, BURST)) this.now(one);
      await new Promise<void>((turn) => setImmediate(turn));
    }
  }
}
