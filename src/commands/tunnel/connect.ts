import { BorealisCommand } from '../manner/command.ts';
import { deviceArg } from '../manner/flags.ts';
import { quoteForShell } from '../manner/words.ts';
import { tunnelCard } from '../shown/tunnel.ts';

export default class TunnelConnect extends BorealisCommand {
  static override summary = 'Bring the tunnel of a device up, or join the one that is up.';
  static override description =
    'WireGuard, opened by the device: it needs no port of its own to be reachable. It is torn down when nobody has used it ' +
    'for a while. Where UDP does not pass, the same packets take the agent’s channel.';
  static override examples = ['borealisctl tunnel connect web-1', 'borealisctl tunnel connect web-1 --json'];
  static override args = { device: deviceArg };
  static override operations = ['tunnel.connect'] as const;

  async run(): Promise<void> {
    const { args } = await this.parse(TunnelConnect);
    const { out } = this;
    const tunnel = await this.client.call('tunnel.connect', { device: args.device });
    if (out.json) return out.document(tunnel);
    out.lines(tunnelCard(out, tunnel));
    out.note(`\nA shell there:          borealisctl shell ${quoteForShell(tunnel.device)}`);
    out.note(`A port of it, here:     borealisctl tunnel forward ${quoteForShell(tunnel.device)} 2222:22`);
  }
}
