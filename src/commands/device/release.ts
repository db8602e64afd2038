import { BorealisCommand } from '../manner/command.ts';
import { anyNumber, selectionFlags } from '../manner/flags.ts';
import { chooseDevices, doToEach } from '../manner/several.ts';

export default class DeviceRelease extends BorealisCommand {
  static override summary = 'End the quarantine of devices.';
  static override examples = ['borealisctl device release web-1', 'borealisctl device release --site berlin'];
  static override args = { devices: anyNumber('Devices, by name, GUID or a unique prefix of either.') };
  static override flags = selectionFlags;
  static override operations = ['device.release', 'device.show', 'device.list'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(DeviceRelease);
    const able = ({ state }: { state: string }): boolean => state === 'quarantined';
    const chosen = await chooseDevices(this.client, args.devices ?? [], flags, able);
    await doToEach(
      this.out,
      chosen,
      ({ guid }) => this.client.call('device.release', { device: guid }),
      ({ name }) => `${name} is released; its agent comes back within half a minute.`,
    );
  }
}
