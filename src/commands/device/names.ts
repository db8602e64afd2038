import { BorealisCommand } from '../manner/command.ts';
import { optional } from '../manner/flags.ts';
import { plain } from '../manner/text.ts';

export default class DeviceNames extends BorealisCommand {
  static override summary = 'Names of devices that begin with a prefix, for completion.';
  static override hidden = true;
  static override examples = ['borealisctl device names web'];
  static override args = { prefix: optional({ description: 'What the names begin with.' }) };
  static override operations = ['device.names'] as const;

  async run(): Promise<void> {
    const { prefix = '' } = (await this.parse(DeviceNames)).args;
    await this.show(
      () => this.client.call('device.names', { prefix }),
      (names) => names.map(plain),
    );
  }
}
