import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Seen, SeenLog } from '../../src/agent/seen-log.ts';
import { requires } from '../require.ts';
import { temporary } from './parts.ts';

let place: ReturnType<typeof temporary>;
beforeEach(() => {
  place = temporary();
});
afterEach(() => place.remove());

const one = (): Seen => ({
  corrId: randomBytes(16).toString('base64url'),
  nonce: randomBytes(32).toString('base64url'),
  until: 2_000_000_000,
});

const NOW = 1_900_000_000;
const reread = async (path: string): Promise<Seen[]> => {
  const log = new SeenLog(path);
  const all = await log.open(NOW);
  await log.close();
  return all;
};

test('keeps what is appended at once, each promise kept only when it is on disk', async () => {
  const path = join(place.directory, 'seen.log');
  const log = new SeenLog(path);
  await log.open(NOW);
  const all = Array.from({ length: 500 }, one);
  await Promise.all(
    all.map(async (seen) => {
      await log.append(seen);
      expect(readFileSync(path, 'latin1')).toContain(seen.nonce);
    }),
  );
  await log.close();
  expect(await reread(path)).toEqual(all);
});

test('a line that a power cut has torn is left out, and nothing else', async () => {
  const path = join(place.directory, 'seen.log');
  const log = new SeenLog(path);
  await log.open(NOW);
  const seen = one();
  await log.append(seen);
  await log.close();
  appendFileSync(path, `${randomBytes(16).toString('base64url')} torn`);
  expect(await reread(path)).toEqual([seen]);
});

test(
  'after a disk that was full, what is remembered is not lost in what was half written',
  requires('root', 'tmpfs'),
  async () => {
    const small = join(place.directory, 'small');
    mkdirSync(small);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=700', 'tmpfs', small]);
    try {
      const path = join(small, 'seen.log');
      const log = new SeenLog(path);
      await log.open(NOW);
      const kept: Seen[] = [];
      const append = async (): Promise<boolean> => {
        const seen = one();
        const done = await log.append(seen).then(
          () => true,
          () => false,
        );
        if (done) kept.push(seen);
        return done;
      };
      await append();
      try {
        writeFileSync(join(small, 'filler'), Buffer.alloc(65_536));
      } catch {
        // ENOSPC: now it is full
      }
      while (await append());
      expect(readFileSync(path, 'latin1')).not.toMatch(/\n$/);
      rmSync(join(small, 'filler'));
      expect(await append()).toBe(true);
      await log.close();
      expect(await reread(path)).toEqual(kept);
    } finally {
      execFileSync('umount', ['--lazy', small]);
    }
  },
);
