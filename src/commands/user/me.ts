import { BorealisCommand } from '../manner/command.ts';
import { facts } from '../manner/table.ts';

export default class UserMe extends BorealisCommand {
  static override summary = 'Show who the engine takes you for.';
  static override examples = ['borealisctl user me'];
  static override operations = ['user.me'] as const;

  async run(): Promise<void> {
    await this.parse(UserMe);
    await this.show(
      () => this.client.call('user.me', {}),
      ({ user, uid, role, groups }) =>
        facts(
          [
            ['User', `${user} (${uid})`],
            ['Role', role],
            ['Groups', groups.join(', ')],
          ],
          this.out.paint,
        ),
    );
  }
}
