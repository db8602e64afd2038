/** The port of the engine: the usual one, or the next that is free, kept in the engine's configuration file. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { BorealisError } from '../../../protocol/errors.ts';
import { ensurePrivateDirectory, writeFileDurably } from '../../../sys/files.ts';
import { portHolder } from '../../../sys/ports.ts';
import type { QuickstartPlace } from './place.ts';

const USUAL = 8_443;
const TRIED = 100;

/** Says what it chose where that is not the usual port. Only for an engine that does not run. Errors: PORT_TAKEN. */
export const choosePort = async ({ engine, env }: QuickstartPlace): Promise<string | null> => {
  if (env.BOREALIS_LISTEN) return null;
  const file = join(engine, 'borealisd.toml');
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  if (/^\s*listen\s*=/m.test(text) || (await isFree(USUAL))) return null;
  const port = await nextFree();
  const { withSetting } = await import('../../../config/file.ts');
  await ensurePrivateDirectory(engine, 0o700, 0o710);
  await writeFileDurably(file, withSetting(text, 'listen', `0.0.0.0:${port}`), { mode: 0o600 });
  const holder = await portHolder(USUAL, 'tcp');
  const who = holder?.pid ? ` by process ${holder.pid}${holder.command ? ` (${holder.command})` : ''}` : '';
  return `Port ${USUAL} is taken${who}; agents connect to port ${port} instead (${file}).`;
};

const nextFree = async (): Promise<number> => {
  for (let port = USUAL + 1; port <= USUAL + TRIED; port++) if (await isFree(port)) return port;
  throw new BorealisError('PORT_TAKEN', {
    detail: `Ports ${USUAL} to ${USUAL + TRIED} are all taken.`,
    next: 'Name a free one: BOREALIS_LISTEN=0.0.0.0:PORT borealisctl quickstart',
  });
};

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '0.0.0.0', exclusive: true }, () => probe.close(() => resolve(true)));
  });
