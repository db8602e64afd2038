/** The channels that are ready, by device and context; and those that have not said who they are yet. */
import type { AgentContext } from '../../protocol/scalars.ts';
import type { AgentChannel } from './agent-channel.ts';

export class ChannelRegistry {
  readonly #ready = {
    system: new Map<string, AgentChannel>(),
    user: new Map<string, AgentChannel>(),
  } as const satisfies Record<AgentContext, Map<string, AgentChannel>>;
  readonly fresh = new Set<AgentChannel>();

  get(guid: string, context: AgentContext): AgentChannel | undefined {
    return this.#ready[context].get(guid);
  }

  isOnline(guid: string): boolean {
    return this.#ready.system.has(guid) || this.#ready.user.has(guid);
  }

  *online(): Iterable<string> {
    yield* this.#ready.system.keys();
    for (const guid of this.#ready.user.keys()) if (!this.#ready.system.has(guid)) yield guid;
  }

  *ready(): Iterable<AgentChannel> {
    yield* this.#ready.system.values();
    yield* this.#ready.user.values();
  }

  get count(): number {
    return this.#ready.system.size + this.#ready.user.size;
  }

  /** Every channel of the device, ready or not. */
  of(guid: string): AgentChannel[] {
    const found = [...this.fresh].filter((channel) => channel.guid === guid);
    const { system, user } = this.#ready;
    for (const channel of [system.get(guid), user.get(guid)]) if (channel) found.push(channel);
    return found;
  }

  /** The channel is ready from now on. Returns the one whose place it takes. */
  admit(channel: AgentChannel): AgentChannel | undefined {
    const ready = this.#ready[channel.context];
    const old = ready.get(channel.guid);
    this.fresh.delete(channel);
    ready.set(channel.guid, channel);
    return old;
  }

  remove(channel: AgentChannel): void {
    this.fresh.delete(channel);
    const ready = this.#ready[channel.context];
    if (ready.get(channel.guid) === channel) ready.delete(channel.guid);
  }
}
