import { BorealisCommand } from '../manner/command.ts';
import { deviceArg, required } from '../manner/flags.ts';
import { plain } from '../manner/text.ts';

export default class DeviceRename extends BorealisCommand {
  static override summary = 'Give a device another name; its GUID and history stay.';
  static override examples = ['borealisctl device rename debian web-1'];
  static override args = { device: deviceArg, name: required('Its new name.') };
  static override operations = ['device.rename'] as const;

  async run(): Promise<void> {
    const { device: ref, name } = (await this.parse(DeviceRename)).args;
    const device = await this.client.call('device.rename', { device: ref, name });
    this.out.done(device, `${plain(ref)} is called ${plain(device.name)} now.`);
  }
}
