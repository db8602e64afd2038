import { string } from '@oclif/core/flags';
import { BorealisCommand } from '../manner/command.ts';
import { required } from '../manner/flags.ts';

export default class UserRevoke extends BorealisCommand {
  static override summary = 'Take a role away.';
  static override examples = ['borealisctl user revoke alice', 'borealisctl user revoke @helpdesk'];
  static override args = { who: required('A Unix user, or a group as @group.') };
  static override flags = {
    project: string({ helpValue: 'PROJECT', summary: 'Only the role in this project.' }),
  };
  static override operations = ['user.revoke'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(UserRevoke);
    const { who } = args;
    const { project } = flags;
    await this.client.call('user.revoke', { who, ...(project && { project }) });
    this.out.done(
      { who, project: project ?? null },
      `Took the role from ${who}${project ? ` in project ${project}` : ''}.`,
    );
  }
}
