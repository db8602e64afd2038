/**
 * The wall clock of one program, which can be made to jump, by libfaketime (Debian package faketime): what it is told in a
 * file is added to CLOCK_REALTIME at each look. Monotonic clocks stay the kernel's, as where somebody sets the clock of a
 * machine (clock_gettime(2)). Programs that ask the kernel without the C library, such as those in Go, see no jump.
 */
import { spawnSync } from 'node:child_process';
import { globSync, renameSync, writeFileSync } from 'node:fs';

/** Of programs with threads: `MT`. Debian has it below the machine's name for such files. */
const [LIBRARY] = globSync(
  ['/usr/lib/*/faketime', '/usr/lib*/faketime'].map((at) => `${at}/libfaketimeMT.so.1`),
);

/** Whether there is one, and Node takes its word. */
export const clocksJump = (): boolean => {
  if (LIBRARY === undefined) return false;
  const env = { LD_PRELOAD: LIBRARY, FAKETIME: '+1h', FAKETIME_DONT_FAKE_MONOTONIC: '1' };
  const { stdout } = spawnSync(process.execPath, ['-p', 'Date.now()'], {
    env,
    encoding: 'utf8',
    timeout: 30_000,
  });
  return Math.abs(Number(stdout) - Date.now() - 3_600_000) < 60_000;
};

export class WallClock {
  readonly #file: string;

  /** `file`: its own, in a directory of the test. Throws where there is no libfaketime: `requires('clocks that jump')`. */
  constructor(file: string) {
    if (LIBRARY === undefined) throw new Error('there is no libfaketime');
    this.#file = file;
    this.jump(0);
  }

  /** For the program that is to have this clock. */
  get env(): Record<string, string> {
    return {
      LD_PRELOAD: LIBRARY!,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      // Times of files are the kernel's.
      NO_FAKE_STAT: '1',
    };
  }

  /** Seconds by which it is off from now on. */
  jump(seconds: number): void {
    // At once: it is read at any moment.
    writeFileSync(`${this.#file}.new`, `${seconds < 0 ? '' : '+'}${seconds}\n`);
    renameSync(`${this.#file}.new`, this.#file);
  }
}
