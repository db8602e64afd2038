import { BorealisCommand } from '../manner/command.ts';
import { required } from '../manner/flags.ts';
import { passphraseFlag, readPassphrase } from '../manner/passphrase.ts';
import { sendBackup, summaryCard } from '../shown/backup.ts';

export default class BackupVerify extends BorealisCommand {
  static override summary =
    'Open a backup, check every byte of it and the store in it, and say what it holds.';
  static override examples = ['borealisctl backup verify borealis.backup'];
  static override args = { file: required('The backup.') };
  static override flags = { 'passphrase-file': passphraseFlag };
  static override operations = ['backup.verify'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(BackupVerify);
    const { client, out } = this;
    const passphrase = await readPassphrase({ file: flags['passphrase-file'], out, twice: false });
    const signal = this.untilInterrupted();
    const summary = await sendBackup({ client, out, signal }, 'backup.verify', args.file, passphrase);
    if (out.json) return out.document(summary);
    out.lines([out.paint('green', 'The backup is whole.'), ...summaryCard(out, summary)]);
  }
}
