/** Backups: sent to the engine to be opened, and as people see them. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Transform } from 'node:stream';
import type { Client } from '../../client/client.ts';
import type { BackupSummary } from '../../protocol/engine.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { OutputOf } from '../../protocol/operations.ts';
import type { Output } from '../manner/output.ts';
import { Pace } from '../manner/pace.ts';
import { Progress } from '../manner/progress.ts';
import { bytes } from '../manner/size.ts';
import { facts } from '../manner/table.ts';

export const summaryCard = (out: Output, summary: BackupSummary): string[] =>
  facts(
    [
      ['Made', out.moment(summary.created_at)],
      ['By engine', `version ${summary.engine_version}, schema ${summary.schema_version}`],
      ['Devices', summary.devices],
      ['Size', `${bytes(summary.size_bytes)} when opened`],
      ['CA pin', summary.ca_pin],
    ],
    out.paint,
  );

/** Progress says what is being done with it. Errors: those of open(2), of the engine, USAGE for a directory. */
export const sendBackup = async <N extends 'backup.verify' | 'backup.restore'>(
  { client, out, signal }: { readonly client: Client; readonly out: Output; readonly signal: AbortSignal },
  name: N,
  file: string,
  passphrase: string,
): Promise<OutputOf<N>> => {
  const found = await stat(file);
  if (!found.isFile())
    throw new BorealisError('USAGE', { detail: `${file} is not a file.`, next: 'Name a backup.' });
  const { size } = found;
  const progress = new Progress(out);
  const pace = new Pace();
  const what = name === 'backup.verify' ? 'Checking' : 'Restoring';
  let sent = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sent += chunk.length;
      progress.show(() => `${what}: ${pace.text(sent, size)}`);
      done(null, chunk);
    },
  });
  const source = createReadStream(file);
  source.on('error', (error) => counted.destroy(error));
  // An engine that refuses it has read enough.
  counted.on('close', () => source.destroy());
  try {
    return await client.upload(name, { passphrase } as never, source.pipe(counted), { signal });
  } finally {
    progress.clear();
  }
};
