/**
 * What a keepalived of ours has left: it ends with the agent (PR_SET_PDEATHSIG, program.ts), and takes the address away
 * then, but not where all was killed at once. Only what our own files name, and what is really ours, is touched.
 */
import { readFile, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { addressText, bytesOf } from '../../../ha/interface.ts';
import { RouteSocket } from '../../../sys/rtnetlink.linux.ts';
import { Refused } from '../../../sys/socket.linux.ts';
import { addressIn, type KeepalivedFiles } from './config.ts';

const ENDING_MS = 2_000;
const LOOK_MS = 20;

/** Ends what runs, and takes its address from the interface. The files stay. */
export const endLeftOver = async (files: KeepalivedFiles): Promise<void> => {
  await Promise.all([end(files.pid, files), end(files.vrrpPid, files)]);
  await Promise.all([files.pid, files.vrrpPid].map((file) => rm(file, { force: true })));
  await removeAddress(files);
};

export const removeFiles = async (files: KeepalivedFiles): Promise<void> => {
  await rm(files.alive, { force: true });
  await rm(files.directory, { recursive: true, force: true });
};

/** keepalived puts it there without an end; ours are the ones that have one, so it is told from those by our file alone. */
export const removeAddress = async ({ config }: KeepalivedFiles): Promise<void> => {
  const put = addressIn(await read(config));
  if (!put) return;
  const bytes = bytesOf(put.address);
  const route = new RouteSocket();
  try {
    const index = route.links().find(({ name }) => name === put.interfaceName)?.index;
    if (index === undefined) return;
    const there = route
      .addresses(bytes.length === 4 ? 4 : 6, index)
      .some(
        (seen) => seen.prefixLength === bytes.length * 8 && addressText(seen.address) === addressText(bytes),
      );
    if (there) route.removeAddress(bytes, bytes.length * 8, index);
  } catch (error) {
    // It, or the interface, went in this moment.
    if (!(error instanceof Refused) || !['EADDRNOTAVAIL', 'ENODEV'].includes(error.errno)) throw error;
  } finally {
    route.close();
  }
};

const end = async (pidFile: string, files: KeepalivedFiles): Promise<void> => {
  const pid = Number((await read(pidFile)).trim());
  if (!Number.isInteger(pid) || pid <= 1) return;
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (!(await isOurs(pid, files))) return;
    kill(pid, signal);
    const until = performance.now() + ENDING_MS;
    while (performance.now() < until && (await isOurs(pid, files))) await delay(LOOK_MS);
  }
};

const kill = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it ended in this moment
  }
};

/** A keepalived that was begun with our file. One that has ended, and nobody waited for, has no arguments. */
const isOurs = async (pid: number, { config }: KeepalivedFiles): Promise<boolean> => {
  const [program = '', ...words] = (await read(`/proc/${pid}/cmdline`)).split('\0');
  return basename(program) === 'keepalived' && words.includes(config);
};

/** Empty where there is none. */
const read = (path: string): Promise<string> =>
  readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (['ENOENT', 'ESRCH'].includes(error.code ?? '')) return '';
    throw error;
  });
