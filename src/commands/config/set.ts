import { BorealisCommand } from '../manner/command.ts';
import { required } from '../manner/flags.ts';
import { findSetting, settingText } from '../shown/setting.ts';

export default class ConfigSet extends BorealisCommand {
  static override summary = "Write a setting to the engine's configuration file, keeping its comments.";
  static override examples = [
    'borealisctl config set telemetry_retention_days 90',
    'borealisctl config set public_address borealis.example.net:8443',
  ];
  static override args = {
    key: required('Its key, as config show lists it.'),
    value: required('The new value.'),
  };
  static override operations = ['config.show', 'config.set'] as const;

  async run(): Promise<void> {
    const { args } = await this.parse(ConfigSet);
    const known = findSetting(await this.client.call('config.show', {}), args.key);
    const value = typeof known.value === 'string' ? args.value : readValue(args.value);
    const setting = await this.client.call('config.set', { key: known.key, value });
    this.out.done(setting, `Set ${setting.key} to ${settingText(setting.value) || 'nothing'}.`);
    if (known.source === 'environment' || known.source === 'flag')
      this.out.warn(`The engine was started with a ${known.source} value for it, which outranks the file.`);
    else if (setting.restart) this.out.note('It counts from the next start: borealisctl daemon restart');
  }
}

/** Numbers and switches as such; the engine says what does not fit. */
const readValue = (text: string): string | number | boolean => {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
};
