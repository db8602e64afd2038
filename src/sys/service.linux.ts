/** systemd: units in /etc/systemd/system, the program in /opt/borealis, commands on the path in /usr/local/bin. */
import { existsSync } from 'node:fs';
import { lstat, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BorealisError } from '../protocol/errors.ts';
import { lookupUser } from './accounts.ts';
import { type CommandRunner, runOrFail } from './command.ts';
import { writeFileDurably } from './files.ts';
import { lockHolder } from './lock.ts';
import { copyProgram, removeTree } from './program-files.ts';
import type { InstallOptions, ServiceRole, ServiceStatus, Services, UninstallOptions } from './service.ts';
import { makeServiceUser, removeServiceUser } from './service-account.linux.ts';
import { linkCommands, unlinkCommands } from './service-links.ts';
import { type InstallRecord, readRecord, writeRecord } from './service-record.ts';
import { renderUnit, UNITS } from './service-unit.ts';
import { agentSealKey } from './state-paths.ts';
import { parseTimestamp, Systemctl } from './systemctl.linux.ts';

const PROGRAM = '/opt/borealis';
const COMMAND_FOLDER = '/usr/local/bin';
const UNIT_FOLDER = '/etc/systemd/system';
/** Where `systemctl edit`, `edit --runtime` and `set-property` put their drop-ins. */
const DROP_IN_FOLDERS = [
  UNIT_FOLDER,
  '/run/systemd/system',
  '/etc/systemd/system.control',
  '/run/systemd/system.control',
];
/** What holds the state: the engine's lock, and one of the agent for each context. */
const LOCKS: Readonly<Record<ServiceRole, readonly string[]>> = {
  engine: ['engine.lock'],
  agent: ['system/agent.lock', 'user/agent.lock'],
};

export interface SystemdOptions {
  readonly root: string;
  readonly run: CommandRunner;
  readonly onStep: (step: string) => void;
}

export class SystemdServices implements Services {
  readonly #root: string;
  readonly #run: CommandRunner;
  readonly #step: (step: string) => void;
  readonly #systemctl: Systemctl;

  constructor({ root, run, onStep }: SystemdOptions) {
    this.#root = root;
    this.#run = run;
    this.#step = onStep;
    this.#systemctl = new Systemctl(run, root);
  }

  async install(options: InstallOptions): Promise<ServiceStatus> {
    this.#requireRootAndSystemd(options.role);
    const { role, programRoot, start = true } = options;
    const { unit, state: usual } = UNITS[role];
    const record = await readRecord(this.#at(PROGRAM));
    const before = record[role];
    const state = options.state ?? before?.state ?? usual;
    const user = role === 'agent' ? 'root' : (options.user ?? before?.user ?? 'borealis');
    // What could be refused is looked at before anything is changed.
    const text = await renderUnit(programRoot, role, { program: PROGRAM, state, user });
    await this.#refuseOtherHolder(role, state);
    if (state !== usual) await this.#refuseForeignState(state);

    this.#step(`Copying the program to ${PROGRAM}`);
    if (programRoot !== this.#at(PROGRAM)) await copyProgram(programRoot, this.#at(PROGRAM));
    const made = role === 'engine' && (await makeServiceUser(this.#run, this.#root, user, state));
    const madeUser = made || (before?.user === user && before.madeUser);
    const installed: InstallRecord = { ...record, [role]: { state, user, madeUser } };
    await writeRecord(this.#at(PROGRAM), installed);
    for (const name of await linkCommands(this.#at(COMMAND_FOLDER), PROGRAM)) {
      this.#step(`${COMMAND_FOLDER}/${name} is something else and stays; ours is ${PROGRAM}/bin/${name}`);
    }
    if (state !== usual) await this.#handOver(state, user);

    this.#step(`Writing ${UNIT_FOLDER}/${unit}`);
    await mkdir(this.#at(UNIT_FOLDER), { recursive: true });
    await writeFileDurably(this.#at(UNIT_FOLDER, unit), text, { mode: 0o644 });
    await this.#systemctl.enable(unit);
    if (start && !this.#systemctl.offline) await this.#start(role, installed);
    if (before?.madeUser && before.user !== user) await this.#removeUser(before.user);
    return this.status(role);
  }

  async uninstall({ role, purge = false }: UninstallOptions): Promise<void> {
    this.#requireRootAndSystemd(role);
    const { unit, state: usual } = UNITS[role];
    const { [role]: mine, ...others } = await readRecord(this.#at(PROGRAM));
    const state = mine?.state ?? usual;
    if (existsSync(this.#at(UNIT_FOLDER, unit))) {
      this.#step(`Stopping and removing ${unit}`);
      await this.#systemctl.disable(unit);
      await rm(this.#at(UNIT_FOLDER, unit), { force: true });
    }
    for (const folder of DROP_IN_FOLDERS) await removeTree(this.#at(folder, `${unit}.d`));
    await this.#systemctl.forget(unit);
    if (existsSync(this.#at(state))) await this.#leaveOrDelete(state, purge);
    if (purge && role === 'agent') await rm(this.#at(agentSealKey(state)), { force: true });
    if (mine?.madeUser) await this.#removeUser(mine.user);
    if (Object.keys(others).length > 0) return writeRecord(this.#at(PROGRAM), others);
    this.#step(`Removing ${PROGRAM}`);
    await unlinkCommands(this.#at(COMMAND_FOLDER), PROGRAM);
    await removeTree(this.#at(PROGRAM));
  }

  async status(role: ServiceRole): Promise<ServiceStatus> {
    const { unit } = UNITS[role];
    const installed = existsSync(this.#at(UNIT_FOLDER, unit));
    const mine = (await readRecord(this.#at(PROGRAM)))[role];
    const shown = installed ? await this.#systemctl.show(unit) : {};
    const pid = Number(shown.MainPID ?? 0);
    return {
      role,
      unit,
      installed,
      // Its target is in the other root, if that is another.
      enabled: await isThere(this.#at(UNIT_FOLDER, 'multi-user.target.wants', unit)),
      active: shown.ActiveState === 'active',
      state: shown.ActiveState ? `${shown.ActiveState}/${shown.SubState}` : 'inactive/dead',
      pid: pid > 0 ? pid : null,
      since: parseTimestamp(shown.StateChangeTimestamp),
      restarts: Number(shown.NRestarts ?? 0),
      status_text: shown.StatusText || null,
      user: mine?.user ?? null,
      state_directory: mine?.state ?? null,
      program: mine ? PROGRAM : null,
      version: mine ? await programVersion(this.#at(PROGRAM)) : null,
    };
  }

  #at(...path: string[]): string {
    return join(this.#root, ...path);
  }

  #requireRootAndSystemd(role: ServiceRole): void {
    if (process.geteuid?.() !== 0) throw new BorealisError('NEEDS_ROOT');
    if (this.#systemctl.offline || this.#systemctl.booted) return;
    throw new BorealisError('UNSUPPORTED_PLATFORM', {
      detail: 'systemd does not run this machine.',
      next:
        role === 'engine'
          ? 'Run the engine in the background: borealisctl daemon start'
          : 'Run the agent under the service manager that there is: borealis-agent run',
    });
  }

  /** Two processes cannot have one state; the one that has it was started by hand, and is not ours to end. */
  async #refuseOtherHolder(role: ServiceRole, state: string): Promise<void> {
    if (this.#systemctl.offline) return;
    const own = Number((await this.#systemctl.show(UNITS[role].unit)).MainPID ?? 0);
    for (const name of LOCKS[role]) {
      const holder = lockHolder(state, name);
      if (holder === null || holder === own) continue;
      throw new BorealisError('STATE_LOCKED', {
        detail: `Process ${holder}, which is not the service, uses ${state}.`,
        next: role === 'engine' ? 'Stop it: borealisctl daemon stop' : `Stop it: kill ${holder}`,
      });
    }
  }

  /** A folder that somebody named is handed to the service as a whole, and deleted as a whole on purge. */
  async #refuseForeignState(state: string): Promise<void> {
    if (this.#systemctl.offline) {
      throw new BorealisError('INVALID_INPUT', {
        detail: 'Another root has the usual state directory only.',
      });
    }
    const names = await readdir(state).catch(() => []); // missing: it is made
    const ours = Object.values(LOCKS).flat();
    if (names.length === 0 || ours.some((name) => existsSync(join(state, name)))) return;
    throw new BorealisError('STATE_UNSAFE', {
      detail: `${state} holds something that is not state of Borealis.`,
      next: `Name an empty folder, or one below it: --state ${state}/borealis`,
    });
  }

  async #removeUser(user: string): Promise<void> {
    this.#step(`Removing the user ${user}`);
    await removeServiceUser(this.#run, this.#root, user);
  }

  async #handOver(state: string, user: string): Promise<void> {
    await mkdir(state, { recursive: true, mode: 0o700 });
    const { uid, gid } = lookupUser(user) ?? { uid: 0, gid: 0 };
    if ((await lstat(state)).uid === uid) return;
    await this.#command('chown', ['--recursive', '--no-dereference', `${uid}:${gid}`, state]);
  }

  async #leaveOrDelete(state: string, purge: boolean): Promise<void> {
    if (purge) {
      this.#step(`Deleting ${state}`);
      return removeTree(this.#at(state));
    }
    // The number of the user that goes may one day be another's, who must not find our keys.
    this.#step(`Keeping ${state}, for root alone`);
    await this.#command('chown', ['--recursive', '--no-dereference', '0:0', this.#at(state)]);
    await this.#command('chmod', ['0700', this.#at(state)]);
  }

  /** The other service runs from the program that was just replaced, and follows. */
  async #start(role: ServiceRole, installed: InstallRecord): Promise<void> {
    this.#step(`Starting ${UNITS[role].unit}`);
    await this.#systemctl.restart(UNITS[role].unit);
    for (const other of Object.keys(installed) as ServiceRole[]) {
      if (other !== role) await this.#systemctl.tryRestart(UNITS[other].unit);
    }
  }

  async #command(file: string, args: readonly string[]): Promise<void> {
    await runOrFail(this.#run, file, args, { timeoutMs: 600_000 });
  }
}

/** Also where it is a link to nothing. */
const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false, // ENOENT is the answer "no"
  );

const programVersion = async (program: string): Promise<string | null> => {
  const { version } = JSON.parse(await readFile(join(program, 'package.json'), 'utf8')) as {
    version?: string;
  };
  return version ?? null;
};
