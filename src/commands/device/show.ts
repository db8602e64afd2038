import type { Inventory } from '../../protocol/device.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { TelemetrySample } from '../../protocol/telemetry.ts';
import { BorealisCommand } from '../manner/command.ts';
import { deviceArg, watchFlag } from '../manner/flags.ts';
import { deviceCard } from '../shown/device.ts';
import { inventoryFacts } from '../shown/inventory.ts';
import { sampleFacts } from '../shown/telemetry.ts';

/** What was measured before that says little of now. */
const RECENT_MS = 300_000;

export default class DeviceShow extends BorealisCommand {
  static override summary = 'Show a device: its state, its agents, what it is made of and how it fares.';
  static override examples = ['borealisctl device show web-1', 'borealisctl device show web --json'];
  static override args = { device: deviceArg };
  static override flags = { watch: watchFlag };
  static override operations = ['device.show', 'device.inventory', 'telemetry.show'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(DeviceShow);
    const fetch = () => this.client.call('device.show', { device: args.device });
    const events = flags.watch ? EVENTS : undefined;
    if (this.out.json) return this.show(fetch, () => [], events);
    const { out } = this;
    await this.show(
      async () => {
        const device = await fetch();
        const [inventory, sample] = await Promise.all([
          this.#inventory(device.guid),
          this.#latest(device.guid),
        ]);
        return { device, inventory, sample };
      },
      ({ device, inventory, sample }) =>
        deviceCard(out, device, [
          ...(inventory ? inventoryFacts(inventory) : []),
          ...(sample ? sampleFacts(out, sample) : []),
        ]),
      events,
    );
  }

  /** A device that never came online has none. */
  async #inventory(device: string): Promise<Inventory | undefined> {
    try {
      return await this.client.call('device.inventory', { device });
    } catch (error) {
      if (error instanceof BorealisError && error.code === 'INVENTORY_UNKNOWN') return undefined;
      throw error;
    }
  }

  async #latest(device: string): Promise<TelemetrySample | undefined> {
    const since = new Date(Date.now() - RECENT_MS).toISOString();
    return (await this.client.call('telemetry.show', { device, since })).at(-1);
  }
}

const EVENTS = [
  'device.online',
  'device.offline',
  'device.changed',
  'device.quarantined',
  'device.released',
  'device.revoked',
  'device.inventory',
] as const;
