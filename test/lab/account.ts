/**
 * An account of this machine for tests of shells: whoever runs the tests has a profile that may do anything, and may leave
 * anything behind where a shell ends in the middle of it. Root only.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRoot } from '../../scripts/debian.ts';

const LOCKED = /lock|try again/i;
const TRIES = 50;

/** useradd(8) and its kin give up at once where another has the lock. */
const change = (command: string, args: readonly string[]): void => {
  for (let tries = 1; ; tries += 1) {
    const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
    if (status === 0) return;
    if (tries >= TRIES || !LOCKED.test(stderr)) throw new Error(`${command}: ${stderr}`);
  }
};

export class Account {
  readonly name: string;
  readonly #home: string;

  private constructor(name: string, home: string) {
    this.name = name;
    this.#home = home;
  }

  /**
   * Null where the caller is not root: then the shells are the caller's own. `/bin/bash`, an empty home of its own (never
   * one that is somebody's: `userdel -r` takes it along), no password.
   */
  static make(): Account | null {
    if (!isRoot()) return null;
    const name = `borealis-t${process.pid}`;
    const home = mkdtempSync(join(tmpdir(), 'borealis-home-'));
    chmodSync(home, 0o755);
    change('useradd', ['-M', '-d', home, '-s', '/bin/bash', '-p', '*', name]);
    return new Account(name, home);
  }

  /** With whatever still runs as this account, and as no other. */
  remove(): void {
    const uid = spawnSync('id', ['-u', this.name], { encoding: 'utf8' }).stdout.trim();
    spawnSync('pkill', ['-KILL', '-U', this.name]);
    rmSync(`/tmp/tmux-${uid}`, { recursive: true, force: true });
    spawnSync('userdel', ['-f', this.name]);
    rmSync(this.#home, { recursive: true, force: true });
  }
}
