/**
 * What is under way on one channel: the commands that were handed to it and are not settled. At most WINDOW at a time;
 * the store keeps the others, so that a device with a thousand commands waiting costs no more memory than one with ten.
 */
import type { AgentChannel } from '../channel/agent-channel.ts';

export const WINDOW = 8;

/** `waiting` to be signed and sent, `sent`, `accepted` by the agent, `answered` with a result that is being stored. */
export type EntryPhase = 'waiting' | 'sent' | 'accepted' | 'answered';

export interface Entry {
  readonly corrId: string;
  readonly jobId: string;
  phase: EntryPhase;
  /** When its end was last asked for, monotonic; null while nobody wants that. */
  cancelledAt: number | null;
  /** Who did. */
  cancelledBy: string;
}

export class Delivery {
  readonly channel: AgentChannel;
  readonly entries = new Map<string, Entry>();
  /** The store may hold more for this agent than is under way. */
  backlog = false;
  /** While the store is read: what was settled meanwhile, and so must not be taken from what was read. */
  settledSince: Set<string> | undefined;

  constructor(channel: AgentChannel) {
    this.channel = channel;
  }

  get room(): number {
    let taken = 0;
    for (const { cancelledAt } of this.entries.values()) if (cancelledAt === null) taken++;
    return WINDOW - taken;
  }

  get idle(): boolean {
    return this.entries.size === 0 && !this.backlog && !this.settledSince;
  }

  add(corrId: string, jobId: string, phase: EntryPhase): Entry {
    const entry: Entry = { corrId, jobId, phase, cancelledAt: null, cancelledBy: '' };
    this.entries.set(corrId, entry);
    return entry;
  }

  /** It is over, one way or the other. */
  settle(corrId: string): void {
    this.entries.delete(corrId);
    this.settledSince?.add(corrId);
  }
}
