/**
 * A Debian that is booted: its own systemd as process 1, its own network, a copy of a tree of its own
 * (systemd-nspawn(1)). Needs root. Nothing of it is left after `dispose`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { type CommandResult, runCommand, runOrFail } from '../../src/sys/command.ts';

const BOOT_MS = 90_000;
const COMMAND_MS = 120_000;
const ASKS_FOR_REBOOT = 133;

export class Machine {
  /** The tree, as it is seen from outside. */
  readonly root: string;
  readonly #folder: string;
  readonly #folders: readonly string[];
  #container: ChildProcess | undefined;
  #console = '';

  private constructor(folder: string, folders: readonly string[]) {
    this.#folder = folder;
    this.root = join(folder, 'root');
    this.#folders = folders;
  }

  /** Copies `tree` and boots it; `folders` are seen in it, read-only, at the same paths. */
  static async boot(tree: string, folders: readonly string[]): Promise<Machine> {
    const machine = new Machine(await mkdtemp(join(tmpdir(), 'borealis-machine-')), folders);
    try {
      await runOrFail(runCommand, 'cp', ['--archive', '--reflink=auto', tree, machine.root], {
        timeoutMs: COMMAND_MS,
      });
      await runOrFail(runCommand, 'mknod', ['--mode=0666', machine.#tun, 'c', '10', '200'], {
        timeoutMs: COMMAND_MS,
      });
      await machine.#start();
      return machine;
    } catch (error) {
      await machine.dispose();
      throw error;
    }
  }

  /** A device of its own, for all users, as udev would make it. */
  get #tun(): string {
    return join(this.#folder, 'tun');
  }

  async #start(): Promise<void> {
    const nspawn = [
      'systemd-nspawn',
      '--boot',
      '--quiet',
      `--directory=${this.root}`,
      `--machine=${this.#folder.split('/').at(-1)}`,
      '--register=no',
      '--private-network',
      '--console=pipe',
      `--bind=${this.#tun}:/dev/net/tun`,
      ...this.#folders.map((folder) => `--bind-ro=${folder}`),
    ];
    // Where systemd is not the host's init, nspawn makes no scope for itself, and leaves traces in /run.
    const wrapped = existsSync('/run/systemd/system')
      ? nspawn
      : [
          'unshare',
          '--mount',
          'sh',
          '-c',
          'mount -t tmpfs tmpfs /run && exec "$@"',
          'sh',
          ...nspawn,
          '--keep-unit',
        ];
    const container = spawn(wrapped[0]!, wrapped.slice(1), {
      // The modern cgroup tree, also on a host that still has the old one.
      env: { ...process.env, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#container = container;
    for (const stream of [container.stdout, container.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#console = (this.#console + text).slice(-20_000);
      });
    }
    await this.#booted();
  }

  /** Boots it again, as `systemctl reboot` does: process 1 ends, and another takes its place. */
  async reboot(): Promise<void> {
    const before = this.#init();
    await this.run('systemctl', ['reboot']);
    // nspawn itself starts it again, unless it was told to keep the unit that it is in: then it asks for that and ends.
    await vi.waitUntil(
      () => this.#container?.exitCode === ASKS_FOR_REBOOT || ![before, null].includes(this.#init()),
      {
        timeout: BOOT_MS,
        interval: 50,
      },
    );
    if (this.#container?.exitCode === ASKS_FOR_REBOOT) return this.#start();
    await this.#booted();
  }

  async #booted(): Promise<void> {
    await vi.waitUntil(
      async () => {
        if (this.#container?.exitCode !== null) throw new Error(`It did not boot:\n${this.#console}`);
        if (this.#init() === null) return false;
        const { stdout } = await this.run('systemctl', ['is-system-running', '--wait']);
        return ['running', 'degraded'].includes(stdout.trim());
      },
      { timeout: BOOT_MS, interval: 50 },
    );
  }

  /** The number, outside, of its process 1; null while there is none. */
  #init(): number | null {
    const pid = this.#container?.pid;
    try {
      const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
      return child && readFileSync(`/proc/${child}/comm`, 'utf8').trim() === 'systemd' ? Number(child) : null;
    } catch {
      return null; // just ended, or not started yet
    }
  }

  /** Runs a command in it as root. Resolves whatever its exit code. */
  async run(file: string, args: readonly string[], timeoutMs = COMMAND_MS): Promise<CommandResult> {
    const enter = [
      '--target',
      String(this.#init()),
      '--mount',
      '--uts',
      '--ipc',
      '--net',
      '--pid',
      '--cgroup',
    ];
    return runCommand('nsenter', [...enter, '--wd=/', '--', file, ...args], {
      timeoutMs,
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root' },
    });
  }

  /** The same, and its standard output; fails where it does. */
  async read(file: string, ...args: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.run(file, args);
    if (exitCode !== 0)
      throw new Error(`${file} ${args.join(' ')} ended with ${exitCode}:\n${stdout}\n${stderr}`);
    return stdout;
  }

  async dispose(): Promise<void> {
    const container = this.#container;
    if (container && container.exitCode === null && container.signalCode === null) {
      const ended = new Promise((resolve) => container.once('exit', resolve));
      // Once asks it to shut down; what has not after a while is ended by force, with all that is in it.
      container.kill('SIGTERM');
      const impatience = setTimeout(() => container.kill('SIGKILL'), 15_000);
      await ended;
      clearTimeout(impatience);
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}
