/** Backups: made while the engine runs, checked to the last byte, put back with the present state kept aside. */
import { mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { checkConfig } from '../../config/file.ts';
import { describeProblem } from '../../config/load.ts';
import { openStream, sealStream } from '../../crypto/passphrase-box.ts';
import type { BackupSummary } from '../../protocol/engine.ts';
import { BorealisError } from '../../protocol/errors.ts';
import { SCHEMA_VERSION } from '../../store/migrations/index.ts';
import { SqliteStore } from '../../store/sqlite.ts';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { Handlers } from '../capability.ts';
import { KeyRing } from '../keys/key-ring.ts';
import {
  CONFIG_FILE,
  hashFile,
  MASTER_KEY_FILE,
  type Manifest,
  packArchive,
  STORE_FILE,
  unpackArchive,
} from './archive.ts';
import { ASKED, type Asked, PENDING, PREVIOUS, WORK_FOLDERS } from './restore.ts';
import { setAsideName } from './set-aside.ts';

interface Dependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly state: string;
  readonly masterKeyFile: string;
  readonly configFile: string;
  readonly version: string;
  readonly caPin: () => string;
  /** Ends the engine and starts it anew in the same process. */
  readonly restart: () => void;
}

type Names = 'backup.create' | 'backup.verify' | 'backup.restore';

export const backupOperations = (deps: Dependencies): Handlers<Names> => ({
  'backup.create': async ({ passphrase }, call) => {
    const directory = await mkdtemp(join(deps.state, WORK_FOLDERS[0]));
    const done = () => rm(directory, { recursive: true, force: true });
    try {
      const copy = join(directory, STORE_FILE);
      await deps.store.copyTo(copy);
      const paths = new Map([
        [STORE_FILE, copy],
        [MASTER_KEY_FILE, deps.masterKeyFile],
      ]);
      if (await exists(deps.configFile)) paths.set(CONFIG_FILE, deps.configFile);
      const contents = await describe(deps, paths);
      await deps.store.write((tx) => call.audit(tx, { detail: { devices: contents.devices } }));
      const sealed = new PassThrough();
      // A reader that hangs up ends the pipeline; the stream itself carries the error to whoever reads.
      pipeline(Readable.from(packArchive(contents, paths)), sealStream(passphrase), sealed)
        .catch(() => {})
        .finally(done);
      return sealed;
    } catch (error) {
      await done();
      throw error;
    }
  },

  'backup.verify': async ({ passphrase }, { body }) => {
    const directory = await mkdtemp(join(deps.state, WORK_FOLDERS[1]));
    try {
      return summaryOf(await receive(body, passphrase, join(directory, 'contents')));
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  },

  'backup.restore': async ({ passphrase }, call) => {
    const directory = await mkdtemp(join(deps.state, WORK_FOLDERS[1]));
    try {
      const contents = join(directory, 'contents');
      const manifest = await receive(call.body, passphrase, contents);
      const { created_at, devices } = manifest;
      const replaced = await deps.store.write(async (tx) => {
        await call.audit(tx, { detail: { created_at, devices } });
        return tx.db
          .selectFrom('audit')
          .select(['seq', 'hash'])
          .orderBy('seq', 'desc')
          .limit(1)
          .executeTakeFirstOrThrow();
      });
      const asked: Asked = { actor: call.caller.user, created_at, devices, replaced };
      await writeFile(join(contents, ASKED), JSON.stringify(asked), { mode: 0o600, flush: true });
      const previous = setAsideName(deps.clock.now());
      await writeFile(join(contents, PREVIOUS), previous, { mode: 0o600, flush: true });
      await rename(contents, join(deps.state, PENDING));
      // The answer leaves before the engine does: closing drains what is under way.
      deps.restart();
      return { ...summaryOf(manifest), previous_state: join(deps.state, previous) };
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  },
});

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

const describe = async (deps: Dependencies, paths: ReadonlyMap<string, string>): Promise<Manifest> => {
  const { count } = await deps.store.read
    .selectFrom('device')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  const files: Manifest['files'] = [];
  for (const [name, path] of paths)
    files.push({ name: name as Manifest['files'][number]['name'], ...(await hashFile(path)) });
  return {
    format: 'borealis-backup-1',
    created_at: new Date(deps.clock.now()).toISOString(),
    engine_version: deps.version,
    schema_version: SCHEMA_VERSION,
    devices: count,
    ca_pin: deps.caPin(),
    files,
  };
};

/** Opens, unpacks and checks a backup. Errors: BACKUP_PASSPHRASE, BACKUP_UNREADABLE, STORE_NEWER, DISK_FULL. */
const receive = async (body: Readable, passphrase: string, directory: string): Promise<Manifest> => {
  const plain = new PassThrough();
  const [manifest] = await Promise.all([
    unpackArchive(plain, directory),
    pipeline(body, openStream(passphrase), plain),
  ]);
  await demandUsable(directory);
  return manifest;
};

/** An engine that was given it must start: its store is whole, its key opens it, its configuration is one. */
const demandUsable = async (directory: string): Promise<void> => {
  const masterKey = await readFile(join(directory, MASTER_KEY_FILE));
  await SqliteStore.check(join(directory, STORE_FILE), async (db) => {
    if (await KeyRing.opens(db, masterKey)) return;
    throw new BorealisError('BACKUP_UNREADABLE', { detail: 'The key in it does not open the store in it.' });
  });
  const file = join(directory, CONFIG_FILE);
  const { problems } = checkConfig((await exists(file)) ? await readFile(file, 'utf8') : '');
  if (problems.length === 0) return;
  const detail = problems.map((problem) => describeProblem(problem, CONFIG_FILE)).join(' ');
  throw new BorealisError('BACKUP_UNREADABLE', { detail: `Its configuration is not valid: ${detail}` });
};

const summaryOf = ({
  created_at,
  engine_version,
  schema_version,
  devices,
  ca_pin,
  files,
}: Manifest): BackupSummary => ({
  created_at,
  engine_version,
  schema_version,
  devices,
  ca_pin,
  size_bytes: files.reduce((sum, file) => sum + file.size, 0),
});
