import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { copyProgram, NATIVE_PACKAGES } from '../../src/sys/program-files.ts';
import { linkCommands, unlinkCommands } from '../../src/sys/service-links.ts';

let folder: string;
const at = (...path: string[]): string => join(folder, ...path);
const put = async (path: string, content = path): Promise<void> => {
  await mkdir(dirname(at(path)), { recursive: true });
  await writeFile(at(path), content);
};
const PLATFORM = `${process.platform}-${process.arch}`;

/** A checkout in small, with what is to come along and what is not. */
const makeCheckout = async (): Promise<void> => {
  await put('checkout/package.json', '{"name":"borealis","version":"1"}');
  await put('checkout/bin/borealisd');
  await chmod(at('checkout/bin/borealisd'), 0o775);
  await put('checkout/dist/borealisd.cjs');
  await put('checkout/dist/borealis-agent.cjs');
  await put('checkout/dist/borealisd.cjs.77.new');
  await put('checkout/packaging/systemd/borealisd.service');
  await put('checkout/src/secret.ts');
  await put('checkout/.state/engine/master.key');
  await put('checkout/.git/config');
  for (const name of NATIVE_PACKAGES) {
    await put(`checkout/node_modules/${name}/package.json`);
    await put(`checkout/node_modules/${name}/src/index.cjs`);
    await put(`checkout/node_modules/${name}/src/index.cpp`);
    await put(`checkout/node_modules/${name}/deps/sqlite3.js`);
    await put(`checkout/node_modules/${name}/prebuilds/${PLATFORM}.node`);
    await put(`checkout/node_modules/${name}/prebuilds/win32-x64.node`);
  }
  await put('checkout/node_modules/better-sqlite3/LICENSE');
  await put('checkout/node_modules/esbuild/package.json');
  await put(`checkout/node_modules/@koromix/koffi-${PLATFORM}/koffi.node`);
  await put(`checkout/node_modules/node-${PLATFORM}/bin/node`);
  await chmod(at(`checkout/node_modules/node-${PLATFORM}/bin/node`), 0o755);
  await put('checkout/node_modules/node/package.json');
  await mkdir(at('checkout/node_modules/node/bin'));
  await symlink(`../../node-${PLATFORM}/bin/node`, at('checkout/node_modules/node/bin/node'));
};

const files = async (root: string): Promise<string[]> =>
  (await readdir(root, { recursive: true, withFileTypes: true }))
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'borealis-program-'));
  await makeCheckout();
});
afterEach(() => rm(folder, { recursive: true }));

describe('the installed program', () => {
  test('has what it runs from, and nothing else: no source, no state, no tools', async () => {
    await copyProgram(at('checkout'), at('opt/borealis'));
    const packages = NATIVE_PACKAGES.flatMap((name) => [
      `node_modules/${name}/package.json`,
      `node_modules/${name}/prebuilds/${PLATFORM}.node`,
      `node_modules/${name}/src/index.cjs`,
    ]);
    expect(await files(at('opt/borealis'))).toEqual(
      [
        'bin/borealisd',
        'dist/borealis-agent.cjs',
        'dist/borealisd.cjs',
        `node_modules/@koromix/koffi-${PLATFORM}/koffi.node`,
        'node_modules/better-sqlite3/LICENSE',
        'node_modules/node/bin/node',
        'node_modules/node/package.json',
        'package.json',
        'packaging/systemd/borealisd.service',
        ...packages,
      ].sort(),
    );
    expect((await lstat(at('opt/borealis/node_modules/node/bin/node'))).isFile()).toBe(true);
  });

  test('can be read and run by everybody and written by its owner alone, whatever the umask', async () => {
    const umask = process.umask(0o077);
    try {
      await copyProgram(at('checkout'), at('opt/borealis'));
    } finally {
      process.umask(umask);
    }
    const modes = new Map<string, string>();
    for (const path of ['', ...(await readdir(at('opt'), { recursive: true }))]) {
      modes.set(path, ((await lstat(at('opt', path))).mode & 0o777).toString(8));
    }
    const open = [
      'borealis/bin/borealisd',
      'borealis/node_modules/node/bin/node',
      'borealis/node_modules',
      '',
    ];
    for (const path of open) expect([path, modes.get(path)]).toEqual([path, '755']);
    expect(modes.get('borealis/dist/borealisd.cjs')).toBe('644');
  });

  test('is replaced as a whole, and nothing is beside it', async () => {
    await put('opt/borealis/bin/of-an-earlier-version');
    await put('opt/.borealis.new/left-by-a-crash');
    await copyProgram(at('checkout'), at('opt/borealis'));
    expect(await readdir(at('opt'))).toEqual(['borealis']);
    expect(await readdir(at('opt/borealis/bin'))).toEqual(['borealisd']);
  });

  test('stays as it was where the checkout is not built, or falls short', async () => {
    await put('opt/borealis/bin/borealisd', 'old');
    await rm(at('checkout/node_modules/koffi'), { recursive: true });
    await expect(copyProgram(at('checkout'), at('opt/borealis'))).rejects.toThrow();
    await rm(at('checkout/dist/borealisd.cjs'));
    await expect(copyProgram(at('checkout'), at('opt/borealis'))).rejects.toMatchObject({
      code: 'NOT_BUILT',
      message: expect.stringContaining('dist/borealisd.cjs'),
    });
    expect(await readFile(at('opt/borealis/bin/borealisd'), 'utf8')).toBe('old');
    expect(await readdir(at('opt'))).toEqual(['borealis']);
  });
});

test('commands are linked where the name is free, and only ours are unlinked', async () => {
  await put('local/bin/borealisd', 'somebody’s own');
  expect(await linkCommands(at('local/bin'), '/opt/borealis')).toEqual(['borealisd']);
  expect(await linkCommands(at('local/bin'), '/opt/borealis')).toEqual(['borealisd']);
  expect(await readdir(at('local/bin'))).toEqual(['borealis-agent', 'borealisctl', 'borealisd']);
  await unlinkCommands(at('local/bin'), '/opt/borealis');
  expect(await readdir(at('local/bin'))).toEqual(['borealisd']);
  expect(await readFile(at('local/bin/borealisd'), 'utf8')).toBe('somebody’s own');
});
