import { BorealisCommand } from '../manner/command.ts';
import { deviceArg } from '../manner/flags.ts';

export default class TunnelDisconnect extends BorealisCommand {
  static override summary = 'Tear the tunnel of a device down, for everybody who uses it.';
  static override examples = ['borealisctl tunnel disconnect web-1'];
  static override args = { device: deviceArg };
  static override operations = ['tunnel.status', 'tunnel.disconnect'] as const;

  async run(): Promise<void> {
    const { device } = (await this.parse(TunnelDisconnect)).args;
    const { operators, device: name } = await this.client.call('tunnel.status', { device });
    const others = operators.length > 1 ? ` It is used by ${operators.join(', ')}.` : '';
    if (others) await this.confirm(`The tunnel of ${name} is torn down.${others}`, true);
    const tunnel = await this.client.call('tunnel.disconnect', { device });
    this.out.done(tunnel, `The tunnel of ${tunnel.device} is down.`);
  }
}
