import { integer } from '@oclif/core/flags';
import { BorealisCommand } from '../manner/command.ts';
import { outputFlag, vpnArg } from '../manner/flags.ts';
import { haHistory } from '../shown/ha.ts';

export default class HaHistory extends BorealisCommand {
  static override summary =
    'List when the address changed hands, why, and how long nobody was there; newest first.';
  static override examples = [
    'borealisctl ha history office',
    'borealisctl ha history office --limit 5 --json',
  ];
  static override args = { vpn: vpnArg };
  static override flags = {
    limit: integer({ min: 1, max: 1_000, helpValue: 'N', summary: 'So many at most; 100 unless told.' }),
    output: outputFlag,
  };
  static override operations = ['ha.history'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(HaHistory);
    const { limit, output } = flags;
    const found = await this.client.call('ha.history', {
      vpn: args.vpn,
      ...(limit !== undefined && { limit }),
    });
    await this.list(found, haHistory(this.out, args.vpn), output);
  }
}
