import { string } from '@oclif/core/flags';
import { BorealisError } from '../../protocol/errors.ts';
import { BorealisCommand } from '../manner/command.ts';
import { deviceArg } from '../manner/flags.ts';
import { facts } from '../manner/table.ts';

export default class TunnelPorts extends BorealisCommand {
  static override summary = 'Show or set the ports of a device that its tunnel may reach.';
  static override description =
    'The engine and the device both hold to it. A tunnel that is up stays up: connections to ports that stay go on, those to ' +
    'others end. Shells and copies use a port of their own, which is always there for them.';
  static override examples = [
    'borealisctl tunnel ports web-1',
    'borealisctl tunnel ports web-1 --set 22,443,53/udp',
    "borealisctl tunnel ports web-1 --set ''",
  ];
  static override args = { device: deviceArg };
  static override flags = {
    set: string({
      helpValue: 'PORT[/PROTO],…',
      summary: 'These and no others; tcp where no protocol is given. An empty text allows none.',
    }),
  };
  static override operations = ['tunnel.ports', 'tunnel.allow'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(TunnelPorts);
    const { device } = args;
    const answer =
      flags.set === undefined
        ? await this.client.call('tunnel.ports', { device })
        : await this.client.call('tunnel.allow', { device, ports: readPorts(flags.set) });
    if (this.out.json) return this.out.document(answer);
    const rows = [
      ['Device', answer.device],
      ['Allowed ports', answer.allowed_ports.join(', ') || 'none'],
    ] as const;
    this.out.lines(facts(rows, this.out.paint));
  }
}

/** Errors: USAGE. */
const readPorts = (text: string): string[] => {
  const ports = text.split(',').map((port) => port.trim());
  if (text.trim() === '') return [];
  const wrong = ports.find(
    (port) => !/^[1-9]\d{0,4}(\/(tcp|udp))?$/.test(port) || Number.parseInt(port, 10) > 65_535,
  );
  if (wrong === undefined) return ports;
  throw new BorealisError('USAGE', {
    detail: `“${wrong}” is no port.`,
    next: 'Write ports like 22,443/tcp,53/udp.',
  });
};
