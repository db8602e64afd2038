/**
 * HELLO: the agent says who it is, the engine looks once more whether the device is in good standing, and welcomes it.
 * That look comes after the channel is registered, so a quarantine or revocation is either seen here or closes the
 * channel itself: there is no moment between. Thousands that come at once (the engine was restarted) share the reads.
 */
import type { Logger } from 'pino';
import { CLOSE } from '../../protocol/frame.ts';
import type { DeviceTable } from '../../store/schema.ts';
import type { Store } from '../../store/store.ts';
import type { AgentChannel } from './agent-channel.ts';
import type { FrameOf } from './consumer.ts';

const BATCH = 250;

export type Hello = FrameOf<'HELLO'>;
export type Greeted = Pick<
  DeviceTable,
  'guid' | 'name' | 'state' | 'hostname' | 'os' | 'arch' | 'agent_version' | 'address' | 'clock_offset_ms'
>;

export interface GreeterParts {
  readonly store: Store;
  readonly log: Logger;
  welcome(channel: AgentChannel, hello: Hello, device: Greeted): void;
  refuse(channel: AgentChannel, code: number, reason: string): void;
}

export class Greeter {
  readonly #parts: GreeterParts;
  #waiting: { readonly channel: AgentChannel; readonly hello: Hello }[] = [];
  #busy = false;

  constructor(parts: GreeterParts) {
    this.#parts = parts;
  }

  greet(channel: AgentChannel, hello: Hello): void {
    channel.phase = 'greeting';
    this.#waiting.push({ channel, hello });
    if (this.#busy) return;
    this.#busy = true;
    setImmediate(() => void this.#drain());
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#settle(this.#waiting.splice(0, BATCH));
      // Reads go by microtasks alone; everybody else gets a turn.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    this.#busy = false;
  }

  async #settle(batch: { readonly channel: AgentChannel; readonly hello: Hello }[]): Promise<void> {
    let devices: Map<string, Greeted>;
    try {
      devices = await this.#read(batch.map(({ channel }) => channel.guid));
    } catch (error) {
      this.#parts.log.error({ err: error, agents: batch.length }, 'agents could not be greeted');
      for (const { channel } of batch) this.#parts.refuse(channel, CLOSE.goingAway, 'STORE_FAILED');
      return;
    }
    for (const { channel, hello } of batch) {
      if (channel.phase === 'greeting') this.#answer(channel, hello, devices.get(channel.guid));
    }
  }

  #answer(channel: AgentChannel, hello: Hello, device: Greeted | undefined): void {
    const { welcome, refuse, log } = this.#parts;
    try {
      if (device?.state === 'active') welcome(channel, hello, device);
      else if (device?.state === 'quarantined') refuse(channel, CLOSE.forbidden, 'DEVICE_QUARANTINED');
      else refuse(channel, CLOSE.forbidden, 'DEVICE_REVOKED');
    } catch (error) {
      // Ours to mend; those that wait behind it must not suffer for it.
      log.error({ err: error, device: channel.name }, 'an agent could not be greeted');
      refuse(channel, CLOSE.goingAway, 'INTERNAL');
    }
  }

  async #read(guids: readonly string[]): Promise<Map<string, Greeted>> {
    const rows = await this.#parts.store.read
      .selectFrom('device')
      .select([
        'guid',
        'name',
        'state',
        'hostname',
        'os',
        'arch',
        'agent_version',
        'address',
        'clock_offset_ms',
      ])
      .where('guid', 'in', guids)
      .execute();
    return new Map(rows.map((row) => [row.guid, row]));
  }
}
