import { lstat, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { copyProgram, ENGINE_NODE_FLAGS, NATIVE_PACKAGES } from '../../src/sys/program-files.ts';
import { linkCommands, unlinkCommands } from '../../src/sys/service-links.ts';
import { makeSmallCheckout, PLATFORM, put as putBelow } from './small-checkout.ts';

let folder: string;
const at = (...path: string[]): string => join(folder, ...path);
const put = (path: string, content?: string): Promise<void> => putBelow(folder, path, content);

const files = async (root: string): Promise<string[]> =>
  (await readdir(root, { recursive: true, withFileTypes: true }))
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'borealis-program-'));
  await makeSmallCheckout(at('checkout'));
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
        ...['borealis-agent', 'borealisctl', 'borealisd'].flatMap((name) => [
          `bin/${name}`,
          `dist/${name}.cjs`,
        ]),
        `node_modules/@koromix/koffi-${PLATFORM}/koffi.node`,
        'node_modules/better-sqlite3/LICENSE',
        'node_modules/node/bin/node',
        'node_modules/node/package.json',
        'package.json',
        'packaging/systemd/borealis-agent.service',
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
    expect(await readdir(at('opt/borealis/bin'))).toEqual(['borealis-agent', 'borealisctl', 'borealisd']);
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

test('however the engine is started, Node gets the same flags', async () => {
  const launcher = await readFile(join(import.meta.dirname, '../../bin/borealisd'), 'utf8');
  expect(launcher).toContain(`exec "$node" ${ENGINE_NODE_FLAGS.join(' ')} "$program" "$@"`);
});
