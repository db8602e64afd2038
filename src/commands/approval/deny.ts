import { string } from '@oclif/core/flags';
import { BorealisCommand } from '../manner/command.ts';
import { required } from '../manner/flags.ts';

export default class ApprovalDeny extends BorealisCommand {
  static override summary = 'Deny an agent that waits; it is told, and stops asking.';
  static override examples = ['borealisctl approval deny 7c2e --reason "not ours"'];
  static override args = { approval: required('Id of the request, or a unique prefix of it.') };
  static override flags = { reason: string({ helpValue: 'TEXT', summary: 'For the audit record.' }) };
  static override operations = ['approval.deny'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ApprovalDeny);
    const { reason } = flags;
    const input = { approval: args.approval, ...(reason !== undefined && { reason }) };
    const approval = await this.client.call('approval.deny', input);
    this.out.done(approval, `Denied ${approval.hostname} (${approval.id}).`);
  }
}
