import { EXIT } from '../../protocol/errors.ts';
import { BorealisCommand } from '../manner/command.ts';
import { plural } from '../manner/size.ts';

export default class AuditVerify extends BorealisCommand {
  static override summary = 'Recompute the whole chain of changes, and name the first break.';
  static override description =
    'Finds a record that was changed, removed, put elsewhere, or cut off at the end. Ends with 1 where it finds one.';
  static override examples = ['borealisctl audit verify', 'borealisctl audit verify --json'];
  static override operations = ['audit.verify'] as const;

  async run(): Promise<void> {
    await this.parse(AuditVerify);
    const verdict = await this.client.call('audit.verify', {});
    const { records, head, break: broken } = verdict;
    if (!broken) {
      const sentence = `The chain is intact: ${plural(records, 'record')}${head ? `, the last ${head}` : ''}.`;
      return this.out.done(verdict, sentence);
    }
    process.exitCode = EXIT.failed;
    if (this.out.json) return this.out.document(verdict);
    this.out.fail({
      code: 'INVALID_SIGNATURE',
      message: `The chain is broken at record ${broken.seq} (${broken.kind}): ${broken.message}`,
      next: 'Treat the store as tampered with: keep a copy of it as evidence, and compare it with a backup.',
      exit: EXIT.failed,
    });
  }
}
