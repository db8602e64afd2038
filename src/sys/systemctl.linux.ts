/** systemctl(1) on the running system, or on the tree of one that is not running. */
import { existsSync } from 'node:fs';
import { BorealisError } from '../protocol/errors.ts';
import { type CommandRunner, runOrFail } from './command.ts';

const USUAL_MS = 120_000;
/** TimeoutStartSec of the engine and a little more. */
const START_MS = 11 * 60_000;
const PROPERTIES = [
  'ActiveState',
  'SubState',
  'UnitFileState',
  'MainPID',
  'NRestarts',
  'StateChangeTimestamp',
  'StatusText',
  'ConditionResult',
] as const;

export type UnitProperties = Partial<Record<(typeof PROPERTIES)[number], string>>;

export class Systemctl {
  readonly #run: CommandRunner;
  readonly #root: string;
  readonly offline: boolean;

  constructor(run: CommandRunner, root: string) {
    this.#run = run;
    this.#root = root;
    this.offline = root !== '/';
  }

  /** sd_booted(3): is systemd this machine's init? */
  get booted(): boolean {
    return existsSync('/run/systemd/system');
  }

  async enable(unit: string): Promise<void> {
    if (this.offline) return this.#do(['--root', this.#root, 'enable', unit]);
    await this.#do(['daemon-reload']);
    await this.#do(['enable', unit]);
  }

  /** Stops it too. */
  async disable(unit: string): Promise<void> {
    return this.#do(this.offline ? ['--root', this.#root, 'disable', unit] : ['disable', '--now', unit]);
  }

  /** Lets systemd see that the unit's files are gone. */
  async forget(unit: string): Promise<void> {
    if (this.offline) return;
    await this.#do(['daemon-reload']);
    // Fails where there was nothing to forget, which is as good.
    await this.#run('systemctl', ['reset-failed', unit], { timeoutMs: USUAL_MS });
  }

  /** Errors: SERVICE_FAILED with the last lines of its log. */
  async restart(unit: string): Promise<void> {
    const { exitCode, stderr } = await this.#run('systemctl', ['restart', unit], { timeoutMs: START_MS });
    if (exitCode === 0) return;
    const log = await this.#run('journalctl', ['--unit', unit, '--lines=8', '--no-pager', '--output=cat'], {
      timeoutMs: USUAL_MS,
    });
    throw new BorealisError('SERVICE_FAILED', {
      detail: `${stderr.trim()}\n${log.stdout.trim()}`,
      next: `See: journalctl --unit ${unit}`,
    });
  }

  /** Restarts it only where it runs. */
  async tryRestart(unit: string): Promise<void> {
    await this.#do(['try-restart', unit]);
  }

  /** Empty where systemd does not answer. */
  async show(unit: string): Promise<UnitProperties> {
    if (this.offline || !this.booted) return {};
    const { exitCode, stdout } = await this.#run(
      'systemctl',
      ['show', unit, `--property=${PROPERTIES.join(',')}`],
      // Times are printed in the caller's zone.
      { timeoutMs: USUAL_MS, env: { ...process.env, TZ: 'UTC' } },
    );
    if (exitCode !== 0) return {};
    return Object.fromEntries(stdout.split('\n').map((line) => line.split(/=(.*)/s, 2))) as UnitProperties;
  }

  async #do(args: readonly string[]): Promise<void> {
    await runOrFail(this.#run, 'systemctl', args, { timeoutMs: USUAL_MS });
  }
}

/** `Fri 2025-11-21 02:48:00 UTC` as RFC 3339; null where it never was. */
export const parseTimestamp = (text: string | undefined): string | null => {
  const at = Date.parse(
    `${text
      ?.replace(/^\w{3} /, '')
      .replace(' UTC', 'Z')
      .replace(' ', 'T')}`,
  );
  return Number.isNaN(at) ? null : new Date(at).toISOString();
};
