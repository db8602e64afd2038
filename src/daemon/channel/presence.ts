/**
 * Who is there: device.online and device.offline, and what the device's row says of it. Changes are stored many at a
 * time; last_seen of those that stay is stored twice a minute, not with each heartbeat.
 * A device is online while one of its contexts is connected. One whose connection merely broke has RECONNECT_MS to come
 * back before device.offline is recorded, so that a short gap in a network is not two events for each device behind it.
 */
import type { Logger } from 'pino';
import { Compiled } from '../../store/compiled.ts';
import type { Store, Transaction } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { EventLog } from '../events/log.ts';
import type { AgentChannel } from './agent-channel.ts';
import type { Parting } from './consumer.ts';
import type { Greeted, Hello } from './greeter.ts';
import type { ChannelRegistry } from './registry.ts';

export const RECONNECT_MS = 10_000;
const LAST_SEEN_MS = 30_000;
/** A clock is measured over the network: less than this is noise. */
const CLOCK_NOISE_MS = 500;
/** What a slow network adds to a measurement's way here is less. */
const CLOCK_MOVED_MS = 10_000;
const BATCH = 250;
/** Changes that wait while the store refuses them (a full disk). */
const WAITING_LIMIT = 100_000;

interface Change {
  readonly guid: string;
  readonly name: string;
  readonly seenAt: number;
  readonly event: 'online' | 'offline' | null;
  readonly data: Record<string, string>;
  readonly columns: Partial<Greeted>;
}

export interface PresenceParts {
  readonly store: Store;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly log: Logger;
  readonly registry: ChannelRegistry;
}

export class Presence {
  readonly #parts: PresenceParts;
  /** Devices whose connection broke: until when they may come back, monotonic. */
  readonly #missing = new Map<string, { readonly until: number; readonly change: Change }>();
  readonly #seen: Compiled<[seenAt: number, guid: string]>;
  #changes: Change[] = [];
  #flushing: Promise<void> | undefined;
  #stopped = false;

  constructor(parts: PresenceParts) {
    this.#parts = parts;
    this.#seen = new Compiled(
      parts.store.read.updateTable('device').set({ last_seen_at: 0 }).where('guid', '=', ''),
    );
  }

  /** `others`: the device was online already, through another context or the channel that this one replaces. */
  welcomed(channel: AgentChannel, hello: Hello, device: Greeted, others: boolean): void {
    const missing = this.#missing.delete(channel.guid);
    const columns = this.#columnsOf(channel, hello, device);
    channel.clockOffset = columns.clock_offset_ms ?? 0;
    this.#push({
      guid: channel.guid,
      name: device.name,
      seenAt: channel.lastHeardAt,
      event: others || missing ? null : 'online',
      data: { context: channel.context, address: channel.address, agent_version: hello.agent_version },
      columns: changedColumns(device, columns),
    });
  }

  /** Its time of day as it says now: a clock may be set, there or here, while the channel stays. */
  timeThere(channel: AgentChannel, at: string): void {
    const clock_offset_ms = Date.parse(at) - this.#parts.clock.now();
    if (Math.abs(clock_offset_ms - channel.clockOffset) < CLOCK_MOVED_MS) return;
    channel.clockOffset = clock_offset_ms;
    const { guid, name, lastHeardAt: seenAt } = channel;
    this.#changes.push({ guid, name, seenAt, event: null, data: {}, columns: { clock_offset_ms } });
  }

  closed(channel: AgentChannel, parting: Parting): void {
    if (this.#stopped || parting === 'replaced') return;
    const gone = !this.#parts.registry.isOnline(channel.guid);
    const change: Change = {
      guid: channel.guid,
      name: channel.name,
      seenAt: channel.lastHeardAt,
      event: gone ? 'offline' : null,
      data: { context: channel.context },
      columns: {},
    };
    if (gone && parting === 'broke')
      this.#missing.set(channel.guid, { until: this.#parts.clock.monotonic() + RECONNECT_MS, change });
    else this.#push(change);
  }

  /** Whether it was heard of since that was last stored. Returns when to look again, monotonic. */
  look(channel: AgentChannel, now: number): number {
    if (now - channel.storedAt >= LAST_SEEN_MS && channel.heardAt !== channel.storedAt) this.#heard(channel);
    // One of which nothing was heard since is looked at again in half of that time.
    return Math.max(channel.storedAt, now - LAST_SEEN_MS / 2) + LAST_SEEN_MS;
  }

  /** Once a second, after them: who did not come back; and all of it is stored. */
  tick(now: number): void {
    for (const [guid, { until, change }] of this.#missing) {
      if (until > now) continue;
      this.#missing.delete(guid);
      this.#push(change);
    }
    if (this.#changes.length > 0) this.#flush();
  }

  /** Stores what is known. The devices are not offline because the engine stops: nobody knows. */
  async close(): Promise<void> {
    this.#stopped = true;
    for (const { change } of this.#missing.values()) this.#push({ ...change, event: null });
    this.#missing.clear();
    for (const channel of this.#parts.registry.ready())
      if (channel.heardAt !== channel.storedAt) this.#heard(channel);
    this.#flush();
    await this.#flushing;
  }

  #heard(channel: AgentChannel): void {
    channel.storedAt = channel.heardAt;
    this.#changes.push({
      guid: channel.guid,
      name: channel.name,
      seenAt: channel.lastHeardAt,
      event: null,
      data: {},
      columns: {},
    });
  }

  #columnsOf(channel: AgentChannel, hello: Hello, device: Greeted): Partial<Greeted> {
    const offset = Date.parse(hello.now) - this.#parts.clock.now();
    const known = device.clock_offset_ms;
    return {
      hostname: hello.hostname,
      os: hello.os,
      arch: hello.arch,
      agent_version: hello.agent_version,
      address: channel.address,
      clock_offset_ms: known !== null && Math.abs(known - offset) < CLOCK_NOISE_MS ? known : offset,
    };
  }

  #push(change: Change): void {
    this.#changes.push(change);
    this.#flush();
  }

  #flush(): void {
    this.#flushing ??= this.#drain().finally(() => {
      this.#flushing = undefined;
    });
  }

  async #drain(): Promise<void> {
    while (this.#changes.length > 0) {
      const batch = this.#changes.splice(0, BATCH);
      try {
        await this.#parts.store.write((tx) => this.#store(tx, batch));
      } catch (error) {
        this.#parts.log.error({ err: error, changes: batch.length }, 'presence could not be stored');
        // They wait for the next tick; what was heard last is heard again.
        const telling = batch.filter((change) => change.event !== null);
        if (this.#changes.length < WAITING_LIMIT) this.#changes.unshift(...telling);
        return;
      }
    }
  }

  async #store(tx: Transaction, batch: readonly Change[]): Promise<void> {
    for (const { guid, name, seenAt, event, data, columns } of batch) {
      await this.#seen.run(tx.db, [seenAt, guid]);
      if (Object.keys(columns).length > 0)
        await tx.db.updateTable('device').set(columns).where('guid', '=', guid).execute();
      if (!event) continue;
      await this.#parts.events.record(tx, {
        type: `device.${event}`,
        message: `${name} is ${event}`,
        device: { guid, name },
        data,
      });
    }
  }
}

const changedColumns = (device: Greeted, fresh: Partial<Greeted>): Partial<Greeted> =>
  Object.fromEntries(
    Object.entries(fresh).filter(([column, value]) => device[column as keyof Greeted] !== value),
  );
