import { boolean } from '@oclif/core/flags';
import { BorealisError } from '../../protocol/errors.ts';
import { BorealisCommand } from '../manner/command.ts';
import { connectionArg, durationFlag, vpnArg } from '../manner/flags.ts';
import { connectionCard } from '../shown/vpn.ts';
import { allowFlag } from '../shown/vpn-flags.ts';
import { tellWaiting } from '../shown/vpn-waiting.ts';

export default class ConnectionChange extends BorealisCommand {
  static override summary = 'Change what a connection may reach, and until when; at once, on live traffic.';
  static override examples = [
    'borealisctl connection change office guest --allow 192.168.5.10/32:443/tcp',
    'borealisctl connection change office guest --allow-all --expires 7d',
    'borealisctl connection change office ada --no-expiry',
  ];
  static override args = { vpn: vpnArg, connection: connectionArg };
  static override flags = {
    allow: allowFlag('This, and no more; repeated, several.'),
    'allow-all': boolean({ exclusive: ['allow'], summary: 'All that the service leads to.' }),
    expires: durationFlag({ summary: 'How long from now it is let in.' }),
    'no-expiry': boolean({ exclusive: ['expires'], summary: 'It is let in for ever.' }),
  };
  static override operations = ['connection.change', 'vpn.show'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ConnectionChange);
    const allow = flags['allow-all'] ? [] : flags.allow;
    const expires = flags['no-expiry'] ? null : flags.expires;
    if (allow === undefined && expires === undefined)
      throw new BorealisError('USAGE', {
        detail: 'Nothing is to be changed.',
        next: 'Name what, with --allow, --allow-all, --expires or --no-expiry.',
      });
    const connection = await this.client.call('connection.change', {
      ...args,
      ...(allow && { allow }),
      ...(expires !== undefined && { expires_in: expires }),
    });
    await tellWaiting(this.client, this.out, args.vpn);
    if (this.out.json) return this.out.document(connection);
    this.out.lines(connectionCard(this.out, connection));
  }
}
