import { BorealisCommand } from '../manner/command.ts';
import { outputFlag, watchFlag } from '../manner/flags.ts';
import { grantList } from '../shown/user.ts';

export default class UserList extends BorealisCommand {
  static override summary = 'List who has which role.';
  static override description =
    'Roles: a viewer sees, an operator acts on devices, an admin also decides who may do so. ' +
    'root and the owner of the engine are admins always, and are not in the list.';
  static override examples = ['borealisctl user list'];
  static override flags = { output: outputFlag, watch: watchFlag };
  static override operations = ['user.list'] as const;

  async run(): Promise<void> {
    const { flags } = await this.parse(UserList);
    const fetch = () => this.client.call('user.list', {});
    const view = grantList(this.out);
    if (flags.watch) return this.watchList(fetch, view, ['user.changed']);
    await this.list(await fetch(), view, flags.output);
  }
}
