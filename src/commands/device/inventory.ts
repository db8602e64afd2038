import { BorealisCommand } from '../manner/command.ts';
import { deviceArg, watchFlag } from '../manner/flags.ts';
import { inventoryCard } from '../shown/inventory.ts';

export default class DeviceInventory extends BorealisCommand {
  static override summary = 'Show what a device is made of, as it last said itself.';
  static override examples = [
    'borealisctl device inventory web-1',
    'borealisctl device inventory web-1 --json',
  ];
  static override args = { device: deviceArg };
  static override flags = { watch: watchFlag };
  static override operations = ['device.inventory'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(DeviceInventory);
    await this.show(
      () => this.client.call('device.inventory', { device: args.device }),
      (inventory) => inventoryCard(this.out, inventory),
      flags.watch ? ['device.inventory'] : undefined,
    );
  }
}
