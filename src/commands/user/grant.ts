import { string as stringArg } from '@oclif/core/args';
import { string } from '@oclif/core/flags';
import type { Role } from '../../protocol/scalars.ts';
import { BorealisCommand } from '../manner/command.ts';
import { required } from '../manner/flags.ts';
import { ROLES } from '../shown/user.ts';

export default class UserGrant extends BorealisCommand {
  static override summary = 'Give a Unix user or @group a role.';
  static override description =
    'A viewer sees; an operator also runs commands, approves and changes devices; an admin also decides who may do so, ' +
    'revokes devices, and makes backups. A second grant takes the place of the first.';
  static override examples = [
    'borealisctl user grant alice operator',
    'borealisctl user grant @helpdesk viewer',
  ];
  static override args = {
    who: required('A Unix user, or a group as @group.'),
    role: stringArg({
      description: 'What they may do.',
      required: true,
      ignoreStdin: true,
      options: [...ROLES],
    }),
  };
  static override flags = {
    project: string({ helpValue: 'PROJECT', summary: 'Only for this project.' }),
  };
  static override operations = ['user.grant', 'config.show'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(UserGrant);
    const role = args.role as Role; // one of the options
    const { project } = flags;
    const grant = await this.client.call('user.grant', { who: args.who, role, ...(project && { project }) });
    const closed = await this.#isClosed();
    this.out.done(grant, `${grant.who} is ${role} now${project ? ` of project ${project}` : ''}.`);
    if (closed)
      this.out.note(
        'Only root and the owner of the engine reach its socket as it is. Let a group in:\n' +
          '  borealisctl config set socket_group GROUP && borealisctl daemon restart',
      );
  }

  /** A role is of no use to whoever does not get to the socket. Of a document, or in silence, nobody reads it. */
  async #isClosed(): Promise<boolean> {
    if (this.out.json || this.out.quiet) return false;
    const group = (await this.client.call('config.show', {})).find(({ key }) => key === 'socket_group');
    return group?.value === '';
  }
}
