import { BorealisCommand } from '../manner/command.ts';
import { required, watchFlag } from '../manner/flags.ts';
import { sessionCard, sessionEvents } from '../shown/session.ts';

export default class SessionShow extends BorealisCommand {
  static override summary = 'Show a recorded session: where, who, when, how it ended.';
  static override examples = ['borealisctl session show k3jd', 'borealisctl session show k3jd --watch'];
  static override args = {
    session: required('Id of the session, which is that of its shell, or a unique prefix.'),
  };
  static override flags = { watch: watchFlag };
  static override operations = ['session.show'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SessionShow);
    const fetch = () => this.client.call('session.show', { session: args.session });
    await this.show(
      fetch,
      (recording) => sessionCard(this.out, recording),
      flags.watch ? sessionEvents : undefined,
    );
  }
}
