import { string } from '@oclif/core/flags';
import { BorealisCommand } from '../manner/command.ts';
import { anyNumber, selectionFlags } from '../manner/flags.ts';
import { chooseDevices, doToEach, theDevices } from '../manner/several.ts';

export default class DeviceRevoke extends BorealisCommand {
  static override summary = 'Withdraw the certificates and tokens of devices at once and for good.';
  static override description =
    'Its connection ends within a second, and it must enrol again to come back. The device stays in the list, with its ' +
    'history; `device remove` forgets it as well.';
  static override examples = ['borealisctl device revoke web-1 --reason stolen'];
  static override args = { devices: anyNumber('Devices, by name, GUID or a unique prefix of either.') };
  static override flags = {
    ...selectionFlags,
    reason: string({ helpValue: 'TEXT', summary: 'For the audit record.' }),
  };
  static override operations = ['device.revoke', 'device.show', 'device.list'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(DeviceRevoke);
    const { reason } = flags;
    const able = ({ state }: { state: string }): boolean => state !== 'revoked';
    const chosen = await chooseDevices(this.client, args.devices ?? [], flags, able);
    await this.confirm(
      `This revokes ${theDevices(chosen.devices)}: certificates and tokens are withdrawn, and only a new enrolment brings it back.`,
      chosen.single,
    );
    await doToEach(
      this.out,
      chosen,
      ({ guid }) => this.client.call('device.revoke', { device: guid, ...(reason && { reason }) }),
      ({ name }) => `${name} is revoked.`,
    );
  }
}
