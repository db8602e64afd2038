import { boolean } from '@oclif/core/flags';
import { BorealisCommand } from '../manner/command.ts';
import { outputFlag, watchFlag } from '../manner/flags.ts';
import { codeList } from '../shown/code.ts';

export default class CodeList extends BorealisCommand {
  static override summary = 'List enrolment codes, newest first.';
  static override examples = ['borealisctl code list', 'borealisctl code list --all'];
  static override flags = {
    all: boolean({ summary: 'Also those that are expired, used up or revoked.' }),
    output: outputFlag,
    watch: watchFlag,
  };
  static override operations = ['code.list'] as const;

  async run(): Promise<void> {
    const { flags } = await this.parse(CodeList);
    const fetch = () => this.client.call('code.list', { all: flags.all ?? false });
    const view = codeList(this.out);
    if (flags.watch)
      return this.watchList(fetch, view, ['code.created', 'code.revoked', 'approval.requested']);
    await this.list(await fetch(), view, flags.output);
  }
}
