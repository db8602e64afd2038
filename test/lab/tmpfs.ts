/** A small file system of its own, mount(8): to be full. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export class SmallDisk {
  readonly directory: string;
  readonly #fillers: string[] = [];

  constructor(directory: string, size: string) {
    this.directory = directory;
    mkdirSync(directory, { mode: 0o700 });
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0700`, 'tmpfs', directory]);
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.directory);
    return bavail * bsize;
  }

  /** Leaves so many bytes. */
  fill(left = 0): void {
    const filler = join(this.directory, `filler-${this.#fillers.length}`);
    this.#fillers.push(filler);
    writeFileSync(filler, Buffer.alloc(Math.max(0, this.freeBytes - left)));
  }

  /** Removes what `fill` put there. */
  empty(): void {
    for (const filler of this.#fillers.splice(0)) rmSync(filler);
  }

  unmount(): void {
    execFileSync('umount', [this.directory]);
  }
}
