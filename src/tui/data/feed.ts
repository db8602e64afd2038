/** The stream of events, and whether the engine is there. What is shown outlives an engine that goes away. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../../client/client.ts';
import type { Event } from '../../protocol/event.ts';
import { asTold, isAway, type Told } from './told.ts';

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 2_000;
const STATUS_MS = 5_000;

export type Link =
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  /** `since`: milliseconds since 1970. `error`: what is told of it. */
  | { readonly state: 'away'; readonly since: number; readonly error: Told };

export interface FeedEvents {
  /** The engine is there: what is shown must be asked for anew, unless the events since have told it. */
  readonly onConnected: (missed: boolean) => void;
  readonly onEvent: (event: Event) => void;
  /** The id of the newest event there was when the dashboard began. */
  readonly onNewest: (id: number) => void;
  readonly onLink: (link: Link) => void;
}

export class Feed {
  readonly #client: Client;
  readonly #events: FeedEvents;
  readonly #abort = new AbortController();
  #last: number | undefined;
  link: Link = { state: 'connecting' };

  constructor(client: Client, events: FeedEvents) {
    this.#client = client;
    this.#events = events;
  }

  start(): void {
    void this.#run();
  }

  close(): void {
    this.#abort.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    let pause = FIRST_PAUSE_MS;
    while (!signal.aborted) {
      try {
        await this.#connected();
        pause = FIRST_PAUSE_MS;
        await this.#listen();
        if (!signal.aborted) throw AWAY;
      } catch (thrown) {
        if (signal.aborted) return;
        this.#away(thrown);
        try {
          await sleep(pause, undefined, { signal });
        } catch {
          return; // closed while it waited
        }
        pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
      }
    }
  }

  async #connected(): Promise<void> {
    const status = await this.#client.call(
      'status.show',
      {},
      { signal: this.#abort.signal, timeoutMs: STATUS_MS },
    );
    if (!status.ready) throw STARTING;
    this.link = { state: 'live' };
    this.#events.onLink(this.link);
  }

  async #listen(): Promise<void> {
    // An id that was never given is answered with the newest that was.
    const input = { after: this.#last ?? Number.MAX_SAFE_INTEGER };
    const stream = this.#client.stream('event.watch', input, this.#abort.signal);
    const first = stream.next();
    // Asked for after the stream, so that what changes in between is told by it.
    this.#events.onConnected(this.#last === undefined);
    for (let step = await first; !step.done; step = await stream.next()) {
      const event = step.value;
      const newest = this.#last === undefined;
      this.#last = event.id;
      if (event.type !== 'stream.gap') this.#events.onEvent(event);
      else if (newest) this.#events.onNewest(event.id);
      else this.#events.onConnected(true);
    }
  }

  #away(thrown: unknown): void {
    const error = asTold(thrown);
    // Told too slow, or forbidden for a moment: the next try says more. Whatever it is, nothing is live now.
    if (!isAway(thrown) && error.code === 'WATCHER_TOO_SLOW') return;
    const since = this.link.state === 'away' ? this.link.since : Date.now();
    this.link = { state: 'away', since, error };
    this.#events.onLink(this.link);
  }
}

const STARTING: Told = {
  code: 'ENGINE_STARTING',
  message: 'The engine is starting.',
  next: 'It is asked again in a moment.',
};
const AWAY: Told = {
  code: 'ENGINE_UNREACHABLE',
  message: 'The engine ended the stream of events.',
  next: 'It is asked again in a moment.',
};
