import { resolve } from 'node:path';
import { boolean } from '@oclif/core/flags';
import type { BackupSummary } from '../../protocol/engine.ts';
import { BorealisCommand } from '../manner/command.ts';
import { required } from '../manner/flags.ts';
import { demandRoom, writeNewFile } from '../manner/new-file.ts';
import { Pace } from '../manner/pace.ts';
import { passphraseFlag, readPassphrase } from '../manner/passphrase.ts';
import { Progress } from '../manner/progress.ts';
import { bytes, plural } from '../manner/size.ts';
import { sendBackup } from '../shown/backup.ts';

export default class BackupCreate extends BorealisCommand {
  static override summary =
    'Write store and keys to a file, sealed with a passphrase, while the engine runs.';
  static override description =
    'The passphrase is asked for, or read from a file; without it nobody opens the backup. The file is opened again and ' +
    'checked to the last byte before this ends well.';
  static override examples = [
    'borealisctl backup create borealis.backup',
    'borealisctl backup create /mnt/borealis.backup --passphrase-file /root/passphrase --force',
  ];
  static override args = { file: required('The file to write.') };
  static override flags = {
    'passphrase-file': passphraseFlag,
    force: boolean({ summary: 'Take the place of a file that is there.' }),
    verify: boolean({ allowNo: true, default: true, summary: 'Open and check it afterwards.' }),
  };
  static override operations = ['backup.create', 'backup.verify'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(BackupCreate);
    const { client, out } = this;
    const file = resolve(args.file);
    await demandRoom(file, flags.force);
    const passphrase = await readPassphrase({ file: flags['passphrase-file'], out, twice: true });
    const signal = this.untilInterrupted();
    const content = await client.download('backup.create', { passphrase }, { signal });
    const progress = new Progress(out);
    const pace = new Pace();
    const onBytes = (count: number) => progress.show(() => `Writing: ${pace.text(count, undefined)}`);
    const size = await writeNewFile(file, content, { replace: flags.force, onBytes, signal });
    progress.clear();
    let summary: BackupSummary | null = null;
    if (flags.verify) summary = await sendBackup({ client, out, signal }, 'backup.verify', file, passphrase);
    out.done(
      { file, file_bytes: size, verified: summary !== null, ...summary },
      `Wrote ${file} (${bytes(size)})${summary ? `, and checked it: ${plural(summary.devices, 'device')}` : ''}.`,
    );
    out.note(
      'Keep the passphrase elsewhere: the backup holds all keys of the engine, and opens with it alone.',
    );
  }
}
