/** The devices that run a service, as the engine knows them now: one, or the two of a pair. */
import { digestText, type ServiceDigest } from '../../crypto/service-digest.ts';
import type { Channel } from '../channel/channels.ts';
import { type DeviceFacts, Hosting, type Node } from './hosting.ts';

export interface DeviceNodesParts {
  /** Who runs it by now. */
  readonly nodes: () => readonly Node[];
  /** Of the agent that is root. */
  readonly channelOf: (guid: string) => Pick<Channel, 'send'> | undefined;
  readonly factsOf: (guid: string) => Promise<DeviceFacts | null>;
}

export class DeviceNodes {
  readonly #parts: DeviceNodesParts;
  #hostings = new Map<string, Hosting>();

  constructor(parts: DeviceNodesParts) {
    this.#parts = parts;
  }

  get all(): readonly Hosting[] {
    return [...this.#hostings.values()];
  }

  /** Those that can be told now. */
  get live(): readonly Hosting[] {
    return this.all.filter(({ guid, barred }) => this.#parts.channelOf(guid) && !barred);
  }

  get(guid: string): Hosting | undefined {
    return this.#hostings.get(guid);
  }

  /** Whether they are the same, with the same parts, as when they were set. */
  get areSame(): boolean {
    return JSON.stringify(this.all.map(({ node }) => node)) === JSON.stringify(this.#parts.nodes());
  }

  /** As it is by now. Gives those that were, and are not any more. */
  async set(): Promise<readonly Hosting[]> {
    const before = this.#hostings;
    const after = new Map<string, Hosting>();
    for (const node of this.#parts.nodes()) {
      const hosting = before.get(node.guid) ?? new Hosting(node);
      hosting.node = node;
      hosting.facts = await this.#parts.factsOf(node.guid);
      after.set(node.guid, hosting);
    }
    this.#hostings = after;
    return [...before.values()].filter(({ guid }) => !after.has(guid));
  }

  /** The device is another than before: its name, its standing. */
  async refresh(guid: string): Promise<void> {
    const hosting = this.#hostings.get(guid);
    if (hosting) hosting.facts = await this.#parts.factsOf(guid);
  }

  /** What each is to hold, in one text. */
  static textOf(digests: ReadonlyMap<Hosting, ServiceDigest>): string {
    return JSON.stringify([...digests].map(([{ guid }, digest]) => [guid, digestText(digest)]));
  }

  // As operators are told

  /** By name: who has the floating address, or the first. */
  get name(): string | undefined {
    const { all } = this;
    return (all.find(({ said }) => said?.ha?.role === 'holder') ?? all[0])?.name;
  }

  /** Of the first, where none of them is well. */
  get failure(): Error | null {
    const wrong = this.all.map(({ barred, failure }) => barred ?? failure);
    return (wrong.every((error) => error !== null) ? wrong[0] : undefined) ?? null;
  }

  waiting(revision: number): string | null {
    for (const hosting of this.all) {
      const { name, guid, barred, failure } = hosting;
      const wrong = barred ?? failure;
      if (wrong) return wrong.message;
      if (!this.#parts.channelOf(guid))
        return `${name} is not connected: it goes on as it was told last, and is told of changes when it is back.`;
      if (!hosting.isIn(revision)) return `${name} has not said yet that all is in force.`;
    }
    return null;
  }
}
