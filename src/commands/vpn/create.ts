import { boolean, integer, string } from '@oclif/core/flags';
import { BorealisCommand } from '../manner/command.ts';
import { readTags, required, tagFlag } from '../manner/flags.ts';
import { vpnCard } from '../shown/vpn.ts';

const many = (helpValue: string, summary: string) =>
  string({ multiple: true, multipleNonGreedy: true, delimiter: ',', helpValue, summary });

export default class VpnCreate extends BorealisCommand {
  static override summary =
    'Make a VPN service on this engine’s host or on a device: WireGuard for people and sites.';
  static override description =
    'Clients use the ordinary WireGuard app. What they reach is named here; each connection may be let to less of it. ' +
    'Where the router of a local subnet cannot be told the way to the pool, --masquerade needs nothing of it. ' +
    'On a device it goes on whatever becomes of this engine.';
  static override examples = [
    'borealisctl vpn create office --endpoint vpn.example.org:51820 --pool 10.8.0.0/24 --local-subnet 192.168.5.0/24',
    'borealisctl vpn create lab --endpoint 203.0.113.5:51821 --pool 10.9.0.0/24 --pool6 fd00:9::/64 --masquerade',
    'borealisctl vpn create branch --node north --endpoint 198.51.100.7:51820 --pool 10.7.0.0/24 --local-subnet 192.168.7.0/24',
  ];
  static override args = { name: required('What it is to be called.') };
  static override flags = {
    endpoint: string({
      required: true,
      helpValue: 'HOST:PORT',
      summary: 'Where clients reach it.',
    }),
    pool: string({
      required: true,
      helpValue: 'CIDR',
      summary: 'Addresses for clients, IPv4; the first is its own.',
    }),
    pool6: string({ helpValue: 'CIDR', summary: 'Addresses for clients, IPv6, beside the others.' }),
    port: integer({
      min: 1,
      max: 65_535,
      helpValue: 'PORT',
      summary: 'UDP port to listen on, where it is not that of the endpoint.',
    }),
    'local-subnet': many('CIDR,…', 'A network that clients reach through it; repeated, several.'),
    masquerade: boolean({ summary: 'Clients appear there with the address of its host.' }),
    node: string({
      helpValue: 'DEVICE',
      summary: 'The device that it runs on; this engine’s host unless told.',
    }),
    dns: many('ADDRESS,…', 'Name servers for clients; repeated, several.'),
    mtu: integer({ min: 1_280, max: 9_000, helpValue: 'BYTES', summary: 'Of the tunnel; 1420 unless told.' }),
    project: string({ helpValue: 'PROJECT', summary: 'The project that it belongs to.' }),
    label: tagFlag('A label; repeated, several.'),
  };
  static override operations = ['vpn.create'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(VpnCreate);
    const { endpoint, pool, pool6, port, masquerade, dns, mtu, node, project, label } = flags;
    const vpn = await this.client.call('vpn.create', {
      name: args.name,
      endpoint,
      pool,
      masquerade,
      ...(pool6 !== undefined && { pool6 }),
      ...(port !== undefined && { listen_port: port }),
      ...(flags['local-subnet'] && { local_subnets: flags['local-subnet'] }),
      ...(dns && { dns }),
      ...(mtu !== undefined && { mtu }),
      ...(node !== undefined && { node }),
      ...(project !== undefined && { project }),
      ...(label && { labels: readTags(label) }),
    });
    const { out } = this;
    if (out.json) return out.document(vpn);
    out.lines(vpnCard(out, vpn));
    out.note(`\nAdd a client:  borealisctl connection add ${vpn.name} NAME`);
  }
}
