/** The engine's life: what is opened in which order, and how it ends. */
import { join } from 'node:path';
import type { DestinationStream, Logger } from 'pino';
import { loadConfig } from '../config/load.ts';
import type { SettingKey } from '../config/settings.ts';
import { SqliteStore } from '../store/sqlite.ts';
import type { Clock } from '../sys/clock.ts';
import { ensurePrivateDirectory } from '../sys/files.ts';
import { lockState } from '../sys/lock.ts';
import { assemble, type End } from './assemble.ts';
import { AuditTrail, type SealHead } from './audit/trail.ts';
import { endRestore, finishRestore, removeLeftovers } from './backup/restore.ts';
import { tellRestored } from './backup/restored.ts';
import { pruneSetAside } from './backup/set-aside.ts';
import { Closers } from './closers.ts';
import { LiveConfig } from './config/operations.ts';
import { KeyRing, masterKeyFile } from './keys/key-ring.ts';
import { createLogger, DailyLog } from './log/logger.ts';

export interface EngineOptions {
  /** Absolute. */
  readonly state: string;
  /** Named by flag or variable; must exist then. */
  readonly config?: string | undefined;
  readonly flags: Partial<Record<SettingKey, string>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Where the log goes besides its file; standard error. */
  readonly echo?: DestinationStream;
  /** Holds every answer against its schema; for tests. */
  readonly checkOutput?: boolean;
}

export interface Engine {
  readonly log: Logger;
  readonly socket: string;
  /** Resolves when an operation asked for the end. The caller then closes. */
  readonly asked: Promise<End>;
  /** True where the store answers. */
  isAlive(): boolean;
  /** Drains and ends; never fails. */
  close(): Promise<void>;
}

/**
 * Starts an engine on the state directory; resolves when it serves.
 * Errors: STATE_LOCKED, STATE_UNSAFE, CONFIG_INVALID, STORE_NEWER, STORE_FAILED, KEYS_UNOPENED, PORT_TAKEN,
 * PATH_TOO_LONG, DISK_FULL.
 */
export const startEngine = async (options: EngineOptions): Promise<Engine> => {
  const closers = new Closers();
  const report: { log?: Logger } = {};
  const close = (): Promise<void> =>
    closers.close((name, error) =>
      report.log?.error({ err: error, component: 'engine' }, `${name} did not close`),
    );
  try {
    return await start(options, closers, close, report);
  } catch (error) {
    await close();
    throw error;
  }
};

/** What cannot be removed is told, and does not keep the restored engine from serving. */
const removeOldStates = (state: string, present: string, log: Logger): void => {
  const told = { component: 'backup' };
  try {
    const removed = pruneSetAside(state, present);
    if (removed.length > 0)
      log.info({ ...told, removed }, 'states that earlier restores had put aside were removed');
  } catch (error) {
    log.warn({ ...told, err: error }, 'a state that an earlier restore had put aside could not be removed');
  }
};

const start = async (
  options: EngineOptions,
  closers: Closers,
  close: () => Promise<void>,
  report: { log?: Logger },
): Promise<Engine> => {
  const { state, env, clock } = options;
  const begun = clock.monotonic();
  // Open to a socket_group it is since an earlier start, or by the service manager's hand: to pass through, no more.
  await ensurePrivateDirectory(state, 0o700, 0o710);
  const lock = lockState(state);
  closers.add('the lock', () => lock.release());
  const masterKey = masterKeyFile(state, env);
  removeLeftovers(state);
  const restored = finishRestore(state, masterKey);
  const config = new LiveConfig(loadConfig({ state, file: options.config, env, flags: options.flags }));

  const dailyLog = new DailyLog({
    directory: join(state, 'logs'),
    level: config.current.log_level,
    clock,
    retentionDays: () => config.current.log_retention_days,
    ...(options.echo && { echo: options.echo }),
  });
  closers.add('the log', () => dailyLog.close());
  const log = createLogger(dailyLog, config.current.log_level);
  report.log = log;
  for (const { key, nearest } of config.unknown)
    log.warn({ component: 'config', variable: key, nearest }, 'there is no such variable, so it is left out');
  if (restored) log.info({ component: 'backup', previous: restored.previous }, 'a backup was put in place');

  const store = await SqliteStore.open(join(state, 'borealis.db'));
  closers.add('the store', () => store.close());
  const keys = await KeyRing.open(store, masterKey, clock);
  const sealHead: SealHead = (head) => keys.derive('audit head', head).toString('base64url');
  const audit = new AuditTrail(clock, sealHead);
  if (restored) {
    await tellRestored({ store, clock, audit }, restored);
    endRestore(state);
    removeOldStates(state, restored.previous, log);
  }

  const asked = Promise.withResolvers<End>();
  const { socket } = await assemble({
    state,
    masterKey,
    config,
    clock,
    dailyLog,
    log,
    store,
    keys,
    audit,
    sealHead,
    closers,
    end: asked.resolve,
    checkOutput: options.checkOutput ?? false,
  });
  log.info({ component: 'engine', pid: process.pid, ms: Math.round(clock.monotonic() - begun) }, 'ready');
  return { log, socket, asked: asked.promise, isAlive: () => store.isAlive(), close };
};
