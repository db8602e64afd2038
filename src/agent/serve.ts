/** `borealis-agent run`: serves every enrolled context below a state directory until it is told to stop. */
import { readdir, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { BorealisError } from '../protocol/errors.ts';
import type { AgentContext } from '../protocol/scalars.ts';
import type { Clock } from '../sys/clock.ts';
import { lockState, type StateLock } from '../sys/lock.ts';
import { Agent } from './agent.ts';
import { createBastion } from './bastion/create.ts';
import { sealKeyFile } from './bastion/seal-key.ts';
import type { AgentConfig } from './config.ts';
import { createCopies } from './copy/copies.ts';
import { Credentials } from './credentials.ts';
import { childSetting } from './environment.ts';
import { GroupFiles } from './groups.linux.ts';
import { fileCredentialStore, loadCredentials, loadMembership } from './identity.ts';
import { MachineInventory } from './inventory.ts';
import type { AgentLog } from './log.ts';
import { machineFacts } from './machine.ts';
import { Shells } from './shells/shells.ts';
import { Spool } from './spool.ts';
import { CONTEXTS, type ContextPaths, contextPaths, LOCK_NAME, prepareState } from './state.ts';
import { type RunStatus, StatusWriter } from './status-file.ts';
import { createTelemetry } from './telemetry.ts';
import { createTunnels } from './tunnel/create.ts';
import { VERBS } from './verbs/registry.ts';

export interface ServeOptions {
  /** Absolute. */
  readonly state: string;
  readonly config: AgentConfig;
  /** Only this one; all that are enrolled otherwise. */
  readonly context?: AgentContext | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly logFor: (context: AgentContext) => AgentLog;
}

export interface Served {
  close(): Promise<void>;
}

/** Errors: NOT_ENROLLED, STATE_LOCKED, STATE_UNSAFE. */
export async function serve(options: ServeOptions): Promise<Served> {
  const enrolled: ContextPaths[] = [];
  for (const context of options.context ? [options.context] : CONTEXTS) {
    const paths = contextPaths(options.state, context);
    if (await loadMembership(paths)) enrolled.push(paths);
  }
  if (enrolled.length === 0)
    throw new BorealisError('NOT_ENROLLED', { detail: `Its state is ${options.state}.` });
  const served: Served[] = [];
  const closeAll = async () => void (await Promise.all(served.map((one) => one.close())));
  try {
    for (const paths of enrolled) served.push(await serveContext(paths, options));
  } catch (error) {
    await closeAll();
    throw error;
  }
  return { close: closeAll };
}

async function serveContext(paths: ContextPaths, options: ServeOptions): Promise<Served> {
  const lock = lockState(paths.directory, LOCK_NAME);
  try {
    return await serveLocked(paths, lock, options);
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function serveLocked(paths: ContextPaths, lock: StateLock, options: ServeOptions): Promise<Served> {
  const { config, env, clock } = options;
  const log = options.logFor(paths.context);
  await prepareState(options.state, paths);
  const credentials = new Credentials(await loadCredentials(paths), fileCredentialStore(paths), clock);
  const child = childSetting(paths.context, env, config.environment);
  const spool = new Spool({
    directory: paths.spool,
    seenPath: paths.seen,
    now: clock.now,
    onDamaged: (path) => log.error({ path }, 'a file in the spool is damaged; it is left out'),
  });
  const leftOver = await spool.open();
  const groups = new GroupFiles(paths.groups, log);
  groups.endLeftOver();
  await emptyDirectory(paths.scripts);
  const status = new StatusWriter(paths.status, (error) =>
    log.warn({ err: error }, 'the status file could not be written'),
  );
  let lastError: RunStatus['last_error'] = null;
  const shells = new Shells({ clock, log, lang: child.environment.LANG });
  const copies = createCopies({ log, home: homedir() });
  const tunnels = await createTunnels({
    paths,
    credentials,
    interfaceName: config.tunnel_interface,
    purposes: { ...shells.purposes, ...copies.purposes },
    path: child.environment.PATH ?? '',
    clock,
    log,
  });
  const agent = new Agent({
    credentials,
    tunnels,
    bastion: createBastion({
      paths,
      credentials,
      sealKey: sealKeyFile(options.state, config.seal_key_file, env),
      path: child.environment.PATH ?? '',
      clock,
      log,
    }),
    machine: machineFacts(config.hostname),
    verbs: VERBS,
    journal: spool,
    leftOver,
    setting: { ...child, scriptDirectory: paths.scripts, groups, outputCap: config.output_cap },
    concurrency: config.concurrency,
    telemetry: createTelemetry(clock),
    inventory: new MachineInventory({
      clock,
      verbs: VERBS.map(({ name }) => name),
      path: child.environment.PATH ?? '',
    }),
    clock,
    log,
    onStatus({ state, error, retryInMs }, engineVersion) {
      const now = clock.now();
      const at = new Date(now).toISOString();
      if (error) lastError = { at, code: error.code, message: error.message, next: error.next };
      status.write({
        pid: process.pid,
        state,
        since: at,
        last_error: lastError,
        next_attempt_at: retryInMs === null ? null : new Date(now + retryInMs).toISOString(),
        engine_version: engineVersion,
      });
    },
  });
  await agent.start();
  return {
    async close() {
      // Their last output goes through the tunnel.
      await shells.close();
      await agent.close();
      await spool.close();
      await status.flush();
      lock.release();
    },
  };
}

/** Bodies of scripts whose run ended with the last process. */
async function emptyDirectory(path: string): Promise<void> {
  for (const name of await readdir(path)) await rm(join(path, name), { force: true });
}
