/** What an agent before this one kept of a service unsealed: taken over once, and then it is gone. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type HostedChange, hostedChange } from '../../protocol/bastion.ts';
import { BorealisError } from '../../protocol/errors.ts';
import { readSecretFile } from '../../sys/files.ts';
import { type Kept, keptOf } from './amended.ts';
import { readJournal, replayed, STATE_FILE_MAX_BYTES } from './journal.ts';
import { checkService } from './word.ts';

export const PLAIN = '.service.json';
export const PLAIN_JOURNAL = '.service.journal';

const file = z.object({ service: z.unknown(), revision: z.number().int().min(1) });

/** Errors: SCHEMA_MISMATCH, STATE_UNSAFE. */
export const readPlain = async (directory: string, id: string): Promise<Kept> => {
  const whole = readWhole(await readSecretFile(join(directory, id + PLAIN), STATE_FILE_MAX_BYTES), id);
  return replayed(whole, await readJournal(join(directory, id + PLAIN_JOURNAL)), plainChange);
};

export const removePlain = async (directory: string, id: string): Promise<void> => {
  // In this order: the whole alone would be what was there before the changes.
  await rm(join(directory, id + PLAIN), { force: true });
  await rm(join(directory, id + PLAIN_JOURNAL), { force: true });
};

/** What is wrong with it is not quoted, as JSON.parse does: it may be a key. Errors: SCHEMA_MISMATCH. */
export const readWhole = (bytes: Buffer, id: string): Kept => {
  let told: z.infer<typeof file>;
  try {
    told = file.parse(JSON.parse(bytes.toString()));
  } catch {
    throw new BorealisError('SCHEMA_MISMATCH', { detail: 'The file of a VPN service is damaged.' });
  }
  return keptOf(checkService(told.service, id), told.revision);
};

const plainChange = (line: string): HostedChange => hostedChange.parse(JSON.parse(line));
