import { boolean } from '@oclif/core/flags';
import { BorealisCommand } from '../manner/command.ts';
import { outputFlag, watchFlag } from '../manner/flags.ts';
import { approvalList } from '../shown/approval.ts';

export default class ApprovalList extends BorealisCommand {
  static override summary = 'List the agents that wait for approval.';
  static override examples = ['borealisctl approval list', 'borealisctl approval list --all --watch'];
  static override flags = {
    all: boolean({ summary: 'The decided ones as well, newest first.' }),
    output: outputFlag,
    watch: watchFlag,
  };
  static override operations = ['approval.list'] as const;

  async run(): Promise<void> {
    const { all, output, watch } = (await this.parse(ApprovalList)).flags;
    const fetch = () => this.client.call('approval.list', { all });
    const view = approvalList(this.out, all);
    if (watch) return this.watchList(fetch, view, APPROVAL_EVENTS);
    const approvals = await fetch();
    await this.list(approvals, view, output);
    const waiting = approvals.find(({ state }) => state === 'waiting');
    if (waiting && !output)
      this.out.note(`Look at one, and decide: borealisctl approval show ${waiting.id.slice(0, 8)}`);
  }
}

const APPROVAL_EVENTS = [
  'approval.requested',
  'approval.approved',
  'approval.denied',
  'approval.expired',
  'device.enrolled',
] as const;
