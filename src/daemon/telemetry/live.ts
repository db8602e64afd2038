/** telemetry.watch: samples as they are stored. Whoever reads too slowly gets the newest of each device, not the oldest. */

import type { OutputOf } from '../../protocol/operations.ts';
import { Wakeup } from '../wakeup.ts';
import type { Measured } from './ingest.ts';

type Told = OutputOf<'telemetry.watch'>;

export class LiveTelemetry {
  readonly #feeds = new Set<Feed>();

  stored(measured: readonly Measured[]): void {
    for (const feed of this.#feeds) feed.push(measured);
  }

  /** Of the devices named, or of all. Listens before it asks for what was: nothing is missed in between. */
  async *watch(
    guids: ReadonlySet<string> | null,
    signal: AbortSignal,
    before?: () => Promise<Iterable<Told>>,
  ): AsyncGenerator<Told> {
    const feed = new Feed(guids);
    this.#feeds.add(feed);
    try {
      for (const told of (await before?.()) ?? []) yield told;
      while (!signal.aborted) {
        for (const told of await feed.next(signal)) yield told;
      }
    } finally {
      this.#feeds.delete(feed);
    }
  }

  get watchers(): number {
    return this.#feeds.size;
  }
}

class Feed {
  readonly #guids: ReadonlySet<string> | null;
  /** What was not read yet: at most one sample a device, the newest. */
  #unread = new Map<string, Told>();
  readonly #wakeup = new Wakeup();

  constructor(guids: ReadonlySet<string> | null) {
    this.#guids = guids;
  }

  push(measured: readonly Measured[]): void {
    for (const { guid, device, sample } of measured) {
      if (this.#guids && !this.#guids.has(guid)) continue;
      this.#unread.set(guid, { device, guid, sample });
    }
    if (this.#unread.size > 0) this.#wakeup.wake();
  }

  async next(signal: AbortSignal): Promise<Told[]> {
    if (this.#unread.size === 0 && !signal.aborted) {
      await this.#wakeup.sleep(signal);
    }
    const unread = [...this.#unread.values()];
    this.#unread = new Map();
    return unread;
  }
}
