/** What the dashboard knows of the engine: first asked for, then kept current by the stream of events. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, StreamOperation } from '../../client/client.ts';
import type { Event } from '../../protocol/event.ts';
import type { InputOf, OutputOf } from '../../protocol/operations.ts';
import { Devices } from './devices.ts';
import { Feed, type Link } from './feed.ts';
import { KEPT, Measurements } from './measurements.ts';
import { Resource } from './resource.ts';
import { asTold, type Told } from './told.ts';
import { tunnelCalls } from './tunnels.ts';

/** Events that are kept to look back at. */
const EVENTS_KEPT = 500;
/** Events that are shown from before the start. */
const EVENTS_BEFORE = 100;
const RETRY_MS = 3_000;
/** What the events could not tell is found at the latest then. */
const RESYNC_MS = 120_000;

type Looked = Pick<Resource<unknown>, 'watch' | 'heard' | 'touch'>;

export class Store {
  readonly client: Client;
  readonly #changed: () => void;
  readonly devices: Devices;
  readonly measurements: Measurements;
  readonly #feed: Feed;
  readonly #abort = new AbortController();
  readonly #resources: Resource<unknown>[] = [];
  /** Of the screens that are open. */
  readonly #looked = new Set<Looked>();
  #resync: NodeJS.Timeout | undefined;

  /** Newest last. */
  readonly events: Event[] = [];
  /** All that came, kept or not. */
  eventCount = 0;
  readonly #eventListeners = new Set<(event: Event) => void>();

  measureError: Told | undefined;

  readonly status;
  readonly me;
  readonly approvals;
  readonly jobs;
  readonly scripts;
  readonly codes;
  readonly users;
  readonly audit;
  readonly shells;
  readonly recordings;
  readonly tunnels;
  readonly vpns;
  readonly pairs;

  constructor(client: Client, changed: () => void) {
    this.client = client;
    this.#changed = changed;
    this.devices = new Devices(client, changed);
    this.measurements = new Measurements(async (guid) => {
      const since = new Date(Date.now() - KEPT * 30_000).toISOString();
      const samples = await client.call(
        'telemetry.show',
        { device: guid, since },
        { signal: this.#abort.signal },
      );
      changed();
      return samples;
    });
    this.status = this.#resource((signal) => client.call('status.show', {}, { signal }), {
      events: [
        'device.',
        'approval.',
        'job.created',
        'job.finished',
        'engine.',
        'vpn_tunnel_start',
        'vpn_tunnel_stop',
      ],
      settleMs: 1_000,
      everyMs: 10_000,
    });
    this.me = this.#resource((signal) => client.call('user.me', {}, { signal }), { events: ['user.'] });
    this.approvals = this.#resource((signal) => client.call('approval.list', {}, { signal }), {
      events: ['approval.', 'device.enrolled'],
      everyMs: 60_000,
    });
    this.jobs = this.#resource((signal) => client.all('job.list', {}, { signal, most: 500 }), {
      events: ['job.'],
      settleMs: 400,
    });
    this.scripts = this.#resource((signal) => client.call('script.list', {}, { signal }), {
      events: ['script.'],
    });
    this.codes = this.#resource((signal) => client.call('code.list', { all: true }, { signal }), {
      events: ['code.', 'approval.'],
      everyMs: 60_000,
    });
    this.users = this.#resource((signal) => client.call('user.list', {}, { signal }), { events: ['user.'] });
    this.audit = this.#resource((signal) => client.all('audit.list', {}, { signal, most: 500 }), {
      events: [
        'approval.',
        'device.',
        'job.created',
        'code.',
        'script.',
        'user.',
        'config.',
        'shell.',
        'vpn.',
        'connection.changed',
        'ha.',
        'vpn_tunnel_start',
        'vpn_tunnel_stop',
      ],
      settleMs: 1_000,
      everyMs: 15_000,
    });
    this.shells = this.#resource((signal) => client.call('shell.list', {}, { signal }), {
      events: ['shell.'],
      everyMs: 15_000,
    });
    this.recordings = this.#resource((signal) => client.call('session.list', {}, { signal }), {
      events: ['shell.'],
      settleMs: 500,
    });
    this.tunnels = this.#resource((signal) => tunnelCalls(client).call('tunnel.list', {}, { signal }), {
      events: ['vpn_tunnel_start', 'vpn_tunnel_stop'],
      everyMs: 5_000,
    });
    this.vpns = this.#resource((signal) => client.call('vpn.list', {}, { signal }), {
      events: ['vpn.changed', 'connection.changed'],
      everyMs: 30_000,
    });
    this.pairs = this.#resource((signal) => client.call('ha.list', {}, { signal }), {
      events: ['ha.', 'vpn.changed', 'device.online', 'device.offline'],
      settleMs: 400,
      everyMs: 15_000,
    });
    this.#feed = new Feed(client, {
      onConnected: (missed) => this.#connected(missed),
      onEvent: (event) => this.#heard(event),
      onNewest: (id) => void this.#lookBack(id),
      onLink: () => changed(),
    });
  }

  get link(): Link {
    return this.#feed.link;
  }

  start(): void {
    this.#feed.start();
    for (const resource of [this.status, this.me, this.approvals, this.jobs, this.pairs]) resource.watch();
    void this.#measure();
    this.#resync = setInterval(() => {
      if (this.link.state === 'live') void this.devices.load();
    }, RESYNC_MS);
  }

  close(): void {
    this.#abort.abort();
    this.#feed.close();
    this.devices.close();
    clearInterval(this.#resync);
    for (const resource of this.#resources) resource.close();
  }

  onEvent(listener: (event: Event) => void): () => void {
    this.#eventListeners.add(listener);
    return () => void this.#eventListeners.delete(listener);
  }

  /** What one screen alone shows is kept current like all else, until the function that is returned is called. */
  look(resource: Looked): () => void {
    this.#looked.add(resource);
    const release = resource.watch();
    return () => {
      this.#looked.delete(resource);
      release();
    };
  }

  /** A stream for as long as somebody looks; opened again when the engine is back. */
  follow<N extends StreamOperation>(
    name: N,
    input: InputOf<N>,
    heard: (message: OutputOf<N>) => void,
    failed: (thrown: unknown) => void = () => {},
  ): () => void {
    const controller = new AbortController();
    const signal = AbortSignal.any([controller.signal, this.#abort.signal]);
    void (async () => {
      try {
        for await (const message of this.client.stream(name, input, signal)) heard(message);
      } catch (thrown) {
        if (!signal.aborted) failed(thrown);
      }
    })();
    return () => controller.abort();
  }

  #resource<T>(
    fetch: (signal: AbortSignal) => Promise<T>,
    rest: { events: readonly string[]; settleMs?: number; everyMs?: number },
  ): Resource<T> {
    const resource = new Resource<T>({ fetch, ...rest }, this.#changed);
    this.#resources.push(resource as Resource<unknown>);
    return resource;
  }

  #connected(missed: boolean): void {
    if (missed || !this.devices.loaded) void this.devices.load();
    for (const resource of [...this.#resources, ...this.#looked]) resource.touch();
  }

  /** What happened before. */
  async #lookBack(newest: number): Promise<void> {
    const earlier: Event[] = [];
    if (newest < 1) return;
    try {
      const input = { after: Math.max(0, newest - EVENTS_BEFORE) };
      for await (const event of this.client.stream('event.watch', input, this.#abort.signal)) {
        if (event.type !== 'stream.gap' && event.id <= newest) earlier.push(event);
        if (event.id >= newest) break;
      }
    } catch {
      return; // told by the feed, if it is more than a moment; what happens from now on is shown anyhow
    }
    this.events.unshift(...earlier);
    this.#changed();
  }

  #heard(event: Event): void {
    this.eventCount++;
    this.events.push(event);
    if (this.events.length > 2 * EVENTS_KEPT) this.events.splice(0, EVENTS_KEPT);
    this.devices.heard(event);
    for (const resource of [...this.#resources, ...this.#looked]) resource.heard(event.type);
    for (const listener of this.#eventListeners) listener(event);
    this.#changed();
  }

  async #measure(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        for await (const { guid, sample } of this.client.stream('telemetry.watch', {}, signal)) {
          this.measurements.add(guid, sample);
          this.#changed();
        }
      } catch (thrown) {
        // Told by the feed where the engine is away; without measurements all else is shown nevertheless.
        this.measureError = asTold(thrown);
      }
      await sleep(RETRY_MS, undefined, { signal }).catch(() => {}); // closed: the loop ends
    }
  }
}
