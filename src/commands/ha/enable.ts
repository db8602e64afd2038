import { boolean, integer, option, string } from '@oclif/core/flags';
import { BorealisCommand } from '../manner/command.ts';
import { durationFlag, vpnArg } from '../manner/flags.ts';
import { haCard } from '../shown/ha.ts';

const device = (summary: string) => string({ required: true, helpValue: 'DEVICE', summary });

export default class HaEnable extends BorealisCommand {
  static override summary = 'Run a VPN service on two devices, with an address that one of them has.';
  static override description =
    'Both have the whole service at all times; the address goes to the standby when the primary is heard no more, or when ' +
    'it is handed over, and clients go on. The service’s endpoint must lead to that address. Whoever does not renew the ' +
    'address within the lease loses it by the kernel’s hand, so that two never have it.';
  static override examples = [
    'borealisctl ha enable office --primary bastion-1 --standby bastion-2 --address 192.0.2.10/24',
    'borealisctl ha enable office --primary bastion-1 --standby bastion-2 --address 192.0.2.10/24 --lease 1 --fail-back',
    'borealisctl ha enable office --primary a --standby b --address 203.0.113.7/32 --interface eth0 --driver hook --hook /etc/borealis/move-ip',
  ];
  static override args = { vpn: vpnArg };
  static override flags = {
    primary: device('Who has the address at first.'),
    standby: device('Who takes it over.'),
    address: string({
      required: true,
      helpValue: 'CIDR',
      summary: 'The address, with the prefix length of its network.',
    }),
    interface: string({
      helpValue: 'NAME',
      summary: 'The interface that gets it, where it is not the one in its network.',
    }),
    port: integer({
      min: 1_024,
      max: 65_535,
      helpValue: 'PORT',
      summary: 'UDP port on both, for what they say to each other; 47002 or the next free one unless told.',
    }),
    lease: durationFlag({
      summary: 'How long the address stays with a device that does not renew it; 2 unless told.',
    }),
    threshold: integer({
      min: 3,
      max: 10,
      helpValue: 'N',
      summary:
        'Checks in that time, evenly spread: the address moves when so many in a row fail; 4 unless told.',
    }),
    driver: option({
      options: ['own', 'keepalived', 'hook'] as const,
      helpValue: 'own|keepalived|hook',
      summary: 'Who moves the address: the agent, keepalived (VRRP), or a program of yours.',
    })(),
    hook: string({ helpValue: 'PATH', summary: 'The program on both devices, for --driver hook.' }),
    'router-id': integer({
      min: 1,
      max: 255,
      helpValue: 'N',
      summary: 'Virtual router of VRRP, for --driver keepalived.',
    }),
    'fail-back': boolean({ summary: 'The address goes back to the primary once that is well again.' }),
  };
  static override operations = ['ha.enable'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(HaEnable);
    const { primary, standby, address, port, lease, threshold, driver, hook } = flags;
    const { out } = this;
    out.note(`Asking ${primary} and ${standby} to take up ${args.vpn} with ${address}; a few seconds.`);
    const pair = await this.client.call('ha.enable', {
      vpn: args.vpn,
      primary,
      standby,
      address,
      fail_back: flags['fail-back'],
      ...(flags.interface !== undefined && { interface: flags.interface }),
      ...(port !== undefined && { port }),
      ...(lease !== undefined && { lease_seconds: lease }),
      ...(threshold !== undefined && { threshold }),
      ...(driver !== undefined && { driver }),
      ...(hook !== undefined && { hook }),
      ...(flags['router-id'] !== undefined && { router_id: flags['router-id'] }),
    });
    if (out.json) return out.document(pair);
    out.lines(haCard(out, pair));
    if (pair.state === 'ok') out.note(`\nTry it:  borealisctl ha switch ${pair.vpn}`);
    else out.warn(`It is kept, and not whole yet: ${pair.reason} See it: borealisctl ha show ${pair.vpn}`);
  }
}
