import { BorealisCommand } from '../manner/command.ts';
import { required } from '../manner/flags.ts';
import { findSetting, settingText } from '../shown/setting.ts';

export default class ConfigGet extends BorealisCommand {
  static override summary = 'Print the value of a setting.';
  static override examples = [
    'borealisctl config get listen',
    'borealisctl config get telemetry_retention_days --json',
  ];
  static override args = { key: required('Its key, as config show lists it.') };
  static override operations = ['config.show'] as const;

  async run(): Promise<void> {
    const { args } = await this.parse(ConfigGet);
    const setting = findSetting(await this.client.call('config.show', {}), args.key);
    if (this.out.json) this.out.document(setting);
    else this.out.line(settingText(setting.value));
  }
}
