import { BorealisCommand } from '../manner/command.ts';
import { vpnArg } from '../manner/flags.ts';

export default class HaSwitch extends BorealisCommand {
  static override summary = 'Give the address to the other device, with traffic flowing.';
  static override description =
    'Waits until the other one has it. Where that one could not take it, nothing is changed, and why is said.';
  static override examples = ['borealisctl ha switch office', 'borealisctl ha switch office --json'];
  static override args = { vpn: vpnArg };
  static override operations = ['ha.switch'] as const;

  async run(): Promise<void> {
    const { vpn } = (await this.parse(HaSwitch)).args;
    const pair = await this.client.call('ha.switch', { vpn });
    this.out.done(pair, `${pair.holder ?? pair.primary} has the address of ${pair.vpn}.`);
    this.out.note(`The gap is in:  borealisctl ha history ${pair.vpn}`);
  }
}
