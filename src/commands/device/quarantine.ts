import { string } from '@oclif/core/flags';
import { BorealisCommand } from '../manner/command.ts';
import { anyNumber, selectionFlags } from '../manner/flags.ts';
import { chooseDevices, doToEach, theDevices } from '../manner/several.ts';
import { quoteForShell } from '../manner/words.ts';

export default class DeviceQuarantine extends BorealisCommand {
  static override summary = 'Cut devices off from commands at once, and keep their enrolment.';
  static override description =
    'Its connection ends within a second, and it gets no commands until it is released. Nothing on the device changes.';
  static override examples = [
    'borealisctl device quarantine web-1 --reason "odd logins"',
    'borealisctl device quarantine --site berlin --yes',
  ];
  static override args = { devices: anyNumber('Devices, by name, GUID or a unique prefix of either.') };
  static override flags = {
    ...selectionFlags,
    reason: string({ helpValue: 'TEXT', summary: 'For the audit record.' }),
  };
  static override operations = ['device.quarantine', 'device.show', 'device.list'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(DeviceQuarantine);
    const { reason } = flags;
    const able = ({ state }: { state: string }): boolean => state !== 'quarantined' && state !== 'revoked';
    const chosen = await chooseDevices(this.client, args.devices ?? [], flags, able);
    const { devices } = chosen;
    if (devices.length > 1)
      await this.confirm(`This cuts off ${theDevices(devices)} until they are released.`);
    await doToEach(
      this.out,
      chosen,
      ({ guid }) => this.client.call('device.quarantine', { device: guid, ...(reason && { reason }) }),
      ({ name }) => `${name} is quarantined.`,
    );
    const [first] = devices;
    if (first) this.out.note(`End it with: borealisctl device release ${quoteForShell(first.name)}`);
  }
}
