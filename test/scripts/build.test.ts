import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const scratch = mkdtempSync(join(tmpdir(), 'borealis-build-'));
/** What the build itself is made of; the list of packages with machine code is shared with the services' installer. */
const COPIED = [
  'scripts',
  'bin',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'src/sys/program-files.ts',
  'src/protocol/errors.ts',
];

/** A checkout of its own: our scripts and packages, a small program. */
const checkout = join(scratch, 'a folder', 'checkout');

const source = {
  'src/daemon/main.ts': `
    import { showSourceInStacks } from '../sys/stack.ts';
    import { fail } from './fail.ts';
    showSourceInStacks();
    const [what] = process.argv.slice(2);
    console.log('started', import.meta.url.startsWith('file:'), JSON.stringify(process.argv.slice(3)));
    if (what === 'lazy') import('./lazy.ts').then(({ lazy }) => console.log(lazy()));
    if (what === 'native') import('better-sqlite3').then(({ default: Database }) =>
      console.log(new Database(':memory:').prepare('select 1 as one').get()));
    if (what === 'fail') fail();
    console.log('café', /[\\u0080-ÿ€]/.test('€'), String('🜁').length);
  `,
  'src/daemon/lazy.ts': `console.log('evaluated'); export const lazy = () => 'lazy';`,
  'src/daemon/fail.ts': `export function fail(): never {\n  throw new Error('on purpose');\n}`,
};

function write(name: string, text: string): void {
  mkdirSync(join(checkout, name, '..'), { recursive: true });
  writeFileSync(join(checkout, name), text);
}

const build = () => spawnSync(process.execPath, ['scripts/build.ts'], { cwd: checkout, encoding: 'utf8' });
const borealisd = join(checkout, 'bin/borealisd');
const run = (command: string, ...args: string[]) =>
  spawnSync(command, args, { cwd: '/', encoding: 'utf8', env: { PATH: '/usr/bin:/bin' } });
const bundles = () => readdirSync(join(checkout, 'dist')).filter((name) => /-[0-9a-f]{12}\.cjs$/.test(name));

beforeAll(() => {
  for (const name of COPIED) {
    cpSync(join(root, name), join(checkout, name), { recursive: true });
  }
  rmSync(join(checkout, 'scripts/generate.ts'), { force: true });
  symlinkSync(join(root, 'node_modules'), join(checkout, 'node_modules'));
  for (const [name, text] of Object.entries(source)) write(name, text);
  write('src/sys/stack.ts', readFileSync(join(root, 'src/sys/stack.ts'), 'utf8'));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('before the build', () => {
  test('a launcher says in one sentence what to run', () => {
    const { status, stderr, stdout } = run(borealisd);
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toBe(
      `borealisd: this checkout is not set up yet; run: npm run setup --prefix '${checkout}'\n`,
    );
  });
});

describe('after the build', () => {
  beforeAll(() => {
    const { status, stderr } = build();
    expect(status, stderr).toBe(0);
    expect(stderr).toContain('borealis-agent has no source yet');
  });

  test('a launcher starts the bundle, with its arguments, from any folder and without node on the path', () => {
    const { stdout, stderr } = run(borealisd, 'plain', 'a b', '', "c'd");
    expect(stderr).toBe('');
    expect(stdout).toBe(`started true ["a b","","c'd"]\ncafé true 2\n`);
  });

  test('a launcher starts through symbolic links, absolute and relative', () => {
    const elsewhere = join(scratch, 'elsewhere');
    mkdirSync(elsewhere);
    symlinkSync(borealisd, join(elsewhere, 'absolute'));
    symlinkSync('absolute', join(elsewhere, 'relative'));
    expect(run(join(elsewhere, 'relative')).stdout).toContain('started');
    const found = spawnSync('sh', ['-c', 'relative'], {
      env: { PATH: `${elsewhere}:/usr/bin:/bin` },
      encoding: 'utf8',
    });
    expect(found.stdout).toContain('started');
  });

  test('what is behind import() is evaluated when reached', () => {
    expect(run(borealisd).stdout).not.toContain('evaluated');
    expect(run(borealisd, 'lazy').stdout).toMatch(/started.*evaluated\nlazy\n$/s);
  });

  test('packages with machine code are found', () => {
    expect(run(borealisd, 'native').stdout).toContain('{ one: 1 }');
  });

  test('an error that nobody caught names the source', () => {
    expect(run(borealisd, 'fail').stderr).toMatch(
      /Error: on purpose\n\s+at fail \(src\/daemon\/fail\.ts:2:\d+\)/,
    );
  });

  test('bundles are ASCII and start from compiled code', () => {
    const [name] = bundles();
    const file = join(checkout, 'dist', name as string);
    expect([...readFileSync(file)].every((byte) => byte < 0x80)).toBe(true);
    const check = `
      const script = new (require('node:vm').Script)(fs.readFileSync(process.argv[1], 'latin1'),
        { filename: process.argv[1], cachedData: fs.readFileSync(process.argv[1] + '.cache') });
      console.log(script.cachedDataRejected);`;
    expect(run(process.execPath, '-e', check, file).stdout).toBe('false\n');
  });

  test('a later build of the same source keeps the compiled code, and sweeps what is old', () => {
    const dist = join(checkout, 'dist');
    const caches = bundles().map((name) => join(dist, `${name}.cache`));
    const old = join(dist, 'borealisd-0123456789ab.cjs');
    writeFileSync(old, '');
    const anHourAgo = new Date(Date.now() - 3_600_000);
    for (const file of [...caches, old]) utimesSync(file, anHourAgo, anHourAgo);
    expect(build().status).toBe(0);
    expect(caches.map(existsSync)).toEqual(caches.map(() => true));
    expect(existsSync(old)).toBe(false);
  });

  test('a program starts without its compiled code, and when nothing may be written', () => {
    for (const name of bundles()) rmSync(join(checkout, 'dist', `${name}.cache`), { force: true });
    chmodSync(join(checkout, 'dist'), 0o555);
    expect(run(borealisd).stdout).toContain('started');
    chmodSync(join(checkout, 'dist'), 0o755);
  });

  test('starts during builds always find an entry and its bundle together', async () => {
    for (let round = 0; round < 3; round += 1) {
      write('src/daemon/lazy.ts', `export const lazy = () => 'round ${round}';`);
      const builder = spawn(process.execPath, ['scripts/build.ts'], { cwd: checkout, stdio: 'ignore' });
      const ended = once(builder, 'exit');
      while (builder.exitCode === null) {
        const child = spawn(borealisd, { stdio: ['ignore', 'pipe', 'ignore'] });
        const [[code]] = await Promise.all([once(child, 'exit'), child.stdout.resume()]);
        expect(code).toBe(0);
      }
      await ended;
      expect(run(borealisd, 'lazy').stdout).toContain(`round ${round}`);
    }
  });

  test('a program that does not build keeps its last good bundle, and the build fails', () => {
    write('src/daemon/lazy.ts', 'export const lazy = ;');
    const { status, stderr } = build();
    expect(status).toBe(1);
    expect(stderr).toContain('the build of borealisd failed');
    expect(run(borealisd).stdout).toContain('started');
  });
});
