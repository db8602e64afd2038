/** What `service install` has done on this machine, so that `service uninstall` undoes that and nothing else. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileDurably } from './files.ts';
import type { ServiceRole } from './service.ts';

export interface InstalledService {
  readonly state: string;
  readonly user: string;
  /** True where the user was not there before us, and goes with us. */
  readonly madeUser: boolean;
}

export type InstallRecord = Partial<Record<ServiceRole, InstalledService>>;

const NAME = 'installed.json';

/** Empty where nothing is installed. */
export const readRecord = async (program: string): Promise<InstallRecord> => {
  try {
    return JSON.parse(await readFile(join(program, NAME), 'utf8')) as InstallRecord;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
};

export const writeRecord = (program: string, record: InstallRecord): Promise<void> =>
  writeFileDurably(join(program, NAME), `${JSON.stringify(record, null, 2)}\n`, { mode: 0o644 });
