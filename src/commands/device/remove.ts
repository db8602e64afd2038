import { BorealisCommand } from '../manner/command.ts';
import { anyNumber, selectionFlags } from '../manner/flags.ts';
import { chooseDevices, doToEach, theDevices } from '../manner/several.ts';

export default class DeviceRemove extends BorealisCommand {
  static override summary = 'Revoke devices and forget them, with all they ever measured.';
  static override description =
    'What was done with it stays in the audit trail. The agent on the device is not uninstalled: it is refused from now on.';
  static override examples = [
    'borealisctl device remove web-1',
    'borealisctl device remove --tag env=test --yes',
  ];
  static override args = { devices: anyNumber('Devices, by name, GUID or a unique prefix of either.') };
  static override flags = selectionFlags;
  static override operations = ['device.remove', 'device.show', 'device.list'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(DeviceRemove);
    const chosen = await chooseDevices(this.client, args.devices ?? [], flags, () => true);
    await this.confirm(
      `This removes ${theDevices(chosen.devices)} for good: enrolment, tags, inventory and telemetry are deleted.`,
      chosen.single,
    );
    await doToEach(
      this.out,
      chosen,
      async ({ guid, name }) => {
        await this.client.call('device.remove', { device: guid });
        return { device: name, guid };
      },
      ({ name }) => `${name} is removed.`,
    );
  }
}
