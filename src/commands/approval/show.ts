import { BorealisCommand } from '../manner/command.ts';
import { required, watchFlag } from '../manner/flags.ts';
import { approvalCard, waysToDecide } from '../shown/approval.ts';

export default class ApprovalShow extends BorealisCommand {
  static override summary = 'Show an agent that waits: what to compare, and how to decide.';
  static override examples = ['borealisctl approval show 7c2e'];
  static override args = { approval: required('Id of the request, or a unique prefix of it.') };
  static override flags = { watch: watchFlag };
  static override operations = ['approval.show'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ApprovalShow);
    let ways: string[] = [];
    await this.show(
      () => this.client.call('approval.show', { approval: args.approval }),
      (approval) => {
        ways = waysToDecide(approval);
        return approvalCard(this.out, approval);
      },
      flags.watch ? ['approval.approved', 'approval.denied', 'approval.expired'] : undefined,
    );
    if (!flags.watch && ways.length > 0) this.out.note(['', ...ways].join('\n'));
  }
}
