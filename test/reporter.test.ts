import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const scratch = mkdtempSync(join(tmpdir(), 'borealis-reporter-'));

beforeAll(() => {
  mkdirSync(join(scratch, 'test'));
  cpSync(join(root, 'scripts'), join(scratch, 'scripts'), { recursive: true });
  mkdirSync(join(scratch, 'test/lab'));
  for (const file of [
    'vitest.config.ts',
    'test/reporter.ts',
    'test/broken-promise.ts',
    'test/require.ts',
    'test/lab/wall-clock.ts',
    'test/longest-first.ts',
    'test/wg/lab/driver.ts',
  ])
    cpSync(join(root, file), join(scratch, file));
  symlinkSync(join(root, 'node_modules'), join(scratch, 'node_modules'));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Runs vitest with our configuration on `tests` alone. */
function run(tests: string, ...args: string[]): { status: number | null; lines: string[] } {
  const imports = `import { beforeAll, describe, expect, test } from 'vitest';\nimport { requires } from './require.ts';\n`;
  writeFileSync(join(scratch, 'test/some.test.ts'), imports + tests);
  const { status, stdout } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...args],
    {
      cwd: scratch,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, CI: 'true', NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  return { status, lines: stdout.trimEnd().split('\n') };
}

test('the last line counts, alone', () => {
  const { status, lines } = run(`test('a', () => {}); test('b', () => {});`);
  expect(lines.at(-1)).toBe('2 passed, 0 failed, 0 skipped');
  expect(status).toBe(0);
});

test('a skip is named with its reason, and the hooks of what is skipped do not run', () => {
  const { status, lines } = run(`
    describe('lab', requires('no-such-command', 'nor-this'), () => {
      beforeAll(() => { throw new Error('ran'); });
      test('one', () => {});
      describe('deep', () => { test('two', () => {}); });
    });
    test('three', (context) => context.skip('the moon is not full'));
    test('four', () => {});
  `);
  const reason = 'needs no-such-command; needs nor-this';
  expect(lines.slice(-4)).toEqual([
    `skipped: test/some.test.ts > lab > one: ${reason}`,
    `skipped: test/some.test.ts > lab > deep > two: ${reason}`,
    'skipped: test/some.test.ts > three: the moon is not full',
    '1 passed, 0 failed, 3 skipped',
  ]);
  expect(status).toBe(0);
});

test('a skip without a reason fails the run', () => {
  const { status, lines } = run(`test.skip('silent', () => {}); test('loud', () => {});`);
  expect(lines.at(-2)).toBe(
    'failed for good, as it was skipped without a reason: test/some.test.ts > silent',
  );
  expect(lines.at(-1)).toBe('1 passed, 1 failed, 0 skipped');
  expect(status).toBe(1);
});

test('tests left out by name are not skips', () => {
  const { status, lines } = run(`test('this', () => {}); test('that', () => {});`, '-t', 'this');
  expect(lines.at(-1)).toBe('1 passed, 0 failed, 0 skipped');
  expect(status).toBe(0);
});

test('what breaks around a test counts as failed', () => {
  const { status, lines } = run(`
    describe('broken', () => { beforeAll(() => { throw new Error('hook'); }); test('inside', () => {}); });
    test('late', async () => {
      setTimeout(() => { throw new Error('nobody caught it'); }, 0);
      await new Promise((resolve) => setTimeout(resolve, 50));
    });
  `);
  expect(lines.slice(-4)).toEqual([
    'failed for good: something outside of the tests',
    'failed: test/some.test.ts > broken (around its tests)',
    'failed: test/some.test.ts > broken > inside (not run)',
    '1 passed, 3 failed, 0 skipped',
  ]);
  expect(status).toBe(1);
});

test('a failure is named, and so is one that no second try makes good', () => {
  const { status, lines } = run(`
    import { BrokenPromise } from './broken-promise.ts';
    test('slow', () => expect(1).toBe(2));
    test('two holders', () => { throw new BrokenPromise('two at once'); });
  `);
  expect(lines.slice(-3)).toEqual([
    'failed: test/some.test.ts > slow',
    'failed for good: test/some.test.ts > two holders',
    '0 passed, 2 failed, 0 skipped',
  ]);
  expect(status).toBe(1);
});

test('a file that does not load counts as failed', () => {
  const { status, lines } = run(`import './nowhere.ts';`);
  expect(lines.slice(-2)).toEqual(['failed: test/some.test.ts', '0 passed, 1 failed, 0 skipped']);
  expect(status).toBe(1);
});
