/** What a copy counts, over connections that break, and says once. */
import { afterEach, expect, test, vi } from 'vitest';
import { Tally } from '../../../../src/commands/local/copy/tally.ts';
import { Output } from '../../../../src/commands/manner/output.ts';

const output = (): Output => {
  const color = { stdout: false, stderr: false };
  const terminal = { width: 200, height: 24, interactive: false, color, progress: false, canAsk: false };
  return new Output({ json: false, quiet: false, terminal });
};
const said: string[] = [];
const listen = () => {
  said.length = 0;
  return vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
};
afterEach(() => vi.restoreAllMocks());

const file = (path: string, size: number) =>
  ({ kind: 'file', source: 0, path, size, mode: 0o644, mtime: 0 }) as const;

test('counts a file once, however many connections it took', () => {
  const tally = new Tally(output());
  tally.began();
  tally.found(file('a', 10));
  tally.found(file('b', 100));
  tally.moved(10);
  tally.done(file('a', 10), false);
  tally.moved(40);
  tally.began();
  tally.found(file('b', 100));
  tally.kept(40);
  tally.moved(60);
  tally.done(file('b', 100), false);
  expect(tally).toMatchObject({ files: 2, bytes: 110, transferred: 110, unchanged: 0 });
});

test('says each problem once, makes it harmless, and counts what it no longer says', () => {
  listen();
  const tally = new Tally(output());
  for (let round = 0; round < 2; round += 1)
    for (let n = 0; n < 60; n += 1)
      tally.problem({ path: `f${n}\u001b[2J`, message: 'permission denied', left_out: n < 10 });
  expect([tally.problems.length, tally.failed, tally.leftOut]).toEqual([60, 50, 10]);
  expect(said.length).toBeLessThan(60);
  expect(said[0]).toBe('Warning: f0\ufffd[2J: permission denied\n');
  expect(said.join('')).not.toContain('\u001b');
});
