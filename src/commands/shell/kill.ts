import { BorealisCommand } from '../manner/command.ts';
import { required } from '../manner/flags.ts';
import { plain } from '../manner/text.ts';

export default class ShellKill extends BorealisCommand {
  static override summary = 'End a shell and what runs in it; its recording stays.';
  static override description =
    'It is hung up first, as by a terminal that is closed, and killed where that is not enough.';
  static override examples = ['borealisctl shell kill k3jd', 'borealisctl shell kill k3jd --yes'];
  static override args = { shell: required('Id of the shell, or a unique prefix of it.') };
  static override operations = ['shell.list', 'shell.kill'] as const;

  async run(): Promise<void> {
    const { args } = await this.parse(ShellKill);
    const wanted = args.shell.toLowerCase();
    const running = await this.client.call('shell.list', {});
    // None or several: the engine says so.
    const [shell, another] = running.filter(({ id }) => id.startsWith(wanted));
    if (shell && !another && shell.viewers.length > 0) {
      const users = [...new Set(shell.viewers.map(({ user }) => user))].join(', ');
      await this.confirm(`Shell ${shell.id} on ${plain(shell.device)} is used by ${plain(users)}.`, true);
    }
    const ended = await this.client.call('shell.kill', { shell: args.shell });
    this.out.done(ended, `Shell ${ended.id} on ${plain(ended.device)} has ended.`);
    if (ended.recorded) this.out.note(`Its recording: borealisctl session replay ${ended.id}`, 'dim');
  }
}
