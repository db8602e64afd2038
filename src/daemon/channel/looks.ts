/**
 * Which channel is to be looked at when, in seconds of the monotonic clock. A look at each of ten thousand in each second is
 * a tenth of what they cost while they say nothing; most of them need one in half a minute.
 */
import type { AgentChannel } from './agent-channel.ts';

const SECOND_MS = 1_000;

export class Looks {
  readonly #due = new Map<number, AgentChannel[]>();

  /** At `time`, monotonic milliseconds, or up to a second later; sooner where that was asked before. */
  at(channel: AgentChannel, time: number): void {
    const second = Math.ceil(time / SECOND_MS);
    if (channel.lookAt !== 0 && channel.lookAt <= second) return;
    channel.lookAt = second;
    const due = this.#due.get(second);
    if (due) due.push(channel);
    else this.#due.set(second, [channel]);
  }

  /** Those that are ready and whose time has come, each once; whoever looks says when the next look is. */
  *take(now: number): Iterable<AgentChannel> {
    for (const [second, channels] of this.#due) {
      if (second * SECOND_MS > now) continue;
      this.#due.delete(second);
      for (const channel of channels) {
        // It was asked for sooner meanwhile.
        if (channel.lookAt !== second) continue;
        channel.lookAt = 0;
        if (channel.phase === 'ready') yield channel;
      }
    }
  }
}
