import { setTimeout as sleep } from 'node:timers/promises';
import type { Status } from '../../protocol/engine.ts';
import { BorealisError } from '../../protocol/errors.ts';
import { BorealisCommand } from '../manner/command.ts';
import { required } from '../manner/flags.ts';
import { passphraseFlag, readPassphrase } from '../manner/passphrase.ts';
import { plural } from '../manner/size.ts';
import { sendBackup, summaryCard } from '../shown/backup.ts';

const PATIENCE_MS = 60_000;
const ROUND_MS = 100;

export default class BackupRestore extends BorealisCommand {
  static override summary = 'Put a backup in place of the present state, after showing what it holds.';
  static override description =
    'The engine restarts with it. The present state is put aside, and kept until three later restores. Devices that were enrolled since the ' +
    'backup was made are unknown afterwards, and must enrol again.';
  static override examples = [
    'borealisctl backup restore borealis.backup',
    'borealisctl backup restore borealis.backup --passphrase-file /root/passphrase --yes',
  ];
  static override args = { file: required('The backup.') };
  static override flags = { 'passphrase-file': passphraseFlag };
  static override operations = ['backup.verify', 'backup.restore', 'status.show'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(BackupRestore);
    const { client, out } = this;
    const passphrase = await readPassphrase({ file: flags['passphrase-file'], out, twice: false });
    const signal = this.untilInterrupted();
    const parts = { client, out, signal };
    const before = await client.call('status.show', {});
    const summary = await sendBackup(parts, 'backup.verify', args.file, passphrase);
    if (!out.json && !out.quiet) out.note(['This backup is whole:', ...summaryCard(out, summary)].join('\n'));
    await this.confirm(
      `It takes the place of the present state in ${before.state_directory}, with ${plural(before.devices.total, 'device')}.`,
    );
    const restored = await sendBackup(parts, 'backup.restore', args.file, passphrase);
    out.note('Restored; waiting for the engine.');
    const after = await this.#restarted(before, signal);
    const place = `The state before is in ${restored.previous_state}, with its keys: remove it once you are sure; only the last three are kept.`;
    out.done(
      { ...restored, ready: true },
      `The engine runs with the backup: ${plural(after.devices.total, 'device')}. ${place}`,
    );
  }

  /** Errors: TIMED_OUT. */
  async #restarted(before: Status, signal: AbortSignal): Promise<Status> {
    const until = performance.now() + PATIENCE_MS;
    while (performance.now() < until && !signal.aborted) {
      await sleep(ROUND_MS);
      try {
        const status = await this.client.call('status.show', {}, { timeoutMs: PATIENCE_MS, signal });
        if (status.ready && status.started_at !== before.started_at) return status;
      } catch (error) {
        if (!(error instanceof BorealisError && error.code.startsWith('ENGINE_'))) throw error;
      }
    }
    throw new BorealisError('TIMED_OUT', {
      detail: 'The backup is in its place, but the engine is not ready.',
      next: 'See why: borealisctl doctor; and the log of the engine.',
    });
  }
}
