import { boolean, string } from '@oclif/core/flags';
import { BorealisCommand } from '../manner/command.ts';
import { durationFlag, required, vpnArg } from '../manner/flags.ts';
import { connectionCard } from '../shown/vpn.ts';
import { allowFlag } from '../shown/vpn-flags.ts';
import { tellWaiting } from '../shown/vpn-waiting.ts';

export default class ConnectionAdd extends BorealisCommand {
  static override summary = 'Add a client, or a site with networks behind it, to a VPN service.';
  static override description =
    'Its key is made when its configuration is first shown, and the private one is kept nowhere; or the client brings its ' +
    'public key. Without --allow it reaches all that the service leads to.';
  static override examples = [
    'borealisctl connection add office ada',
    'borealisctl connection add office guest --expires 7d --allow 192.168.5.10/32:443/tcp',
    'borealisctl connection add office berlin --site-subnets 10.20.0.0/16 --psk',
    'borealisctl connection add office bob --public-key xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=',
  ];
  static override args = { vpn: vpnArg, name: required('What it is to be called.') };
  static override flags = {
    'public-key': string({ helpValue: 'KEY', summary: 'The client’s own, as wg pubkey writes it.' }),
    psk: boolean({ summary: 'With a pre-shared key besides.' }),
    expires: durationFlag({ summary: 'How long it is let in; for ever unless told.' }),
    allow: allowFlag('What it may reach; repeated, several.'),
    'site-subnets': string({
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
      helpValue: 'CIDR,…',
      summary: 'Networks behind it, reached through it; repeated, several.',
    }),
    address: string({ helpValue: 'ADDRESS', summary: 'Its address in the pool; the next one unless told.' }),
  };
  static override operations = ['connection.add', 'vpn.show'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ConnectionAdd);
    const { psk, expires, allow, address } = flags;
    const connection = await this.client.call('connection.add', {
      vpn: args.vpn,
      name: args.name,
      preshared_key: psk,
      ...(flags['public-key'] !== undefined && { public_key: flags['public-key'] }),
      ...(expires !== undefined && { expires_in: expires }),
      ...(allow && { allow }),
      ...(flags['site-subnets'] && { site_subnets: flags['site-subnets'] }),
      ...(address !== undefined && { address }),
    });
    const { out } = this;
    await tellWaiting(this.client, out, args.vpn);
    if (out.json) return out.document(connection);
    out.lines(connectionCard(out, connection));
    const { vpn, name } = connection;
    out.note(`\nAs a file:           borealisctl connection config ${vpn} ${name} --file ${name}.conf`);
    out.note(`As a code to scan:   borealisctl connection qr ${vpn} ${name}`);
  }
}
