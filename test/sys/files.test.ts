import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runCommand } from '../../src/sys/command.ts';
import { ensurePrivateDirectory, readSecretFile, writeFileDurably } from '../../src/sys/files.ts';
import { requires } from '../require.ts';

let folder: string;
const at = (...path: string[]): string => join(folder, ...path);
const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o7777).toString(8);
const unsafe = { code: 'STATE_UNSAFE' };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'borealis-files-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('a file written durably', () => {
  test('has the content and exactly the mode, whatever the umask', async () => {
    const umask = process.umask(0o077);
    try {
      await writeFileDurably(at('new'), 'content', { mode: 0o644 });
      await writeFileDurably(at('secret'), Buffer.from([0, 255]), { mode: 0o600 });
    } finally {
      process.umask(umask);
    }
    expect(await readFile(at('new'), 'utf8')).toBe('content');
    expect(await modeOf(at('new'))).toBe('644');
    expect(await modeOf(at('secret'))).toBe('600');
  });

  test('replaces, tightens, and leaves nothing beside it', async () => {
    await writeFile(at('key'), 'old and longer', { mode: 0o666 });
    await writeFileDurably(at('key'), 'new', { mode: 0o600 });
    expect(await readFile(at('key'), 'utf8')).toBe('new');
    expect(await modeOf(at('key'))).toBe('600');
    expect(await readdir(folder)).toEqual(['key']);
  });

  test('replaces a link rather than what it leads to', async () => {
    await writeFile(at('victim'), 'untouched');
    await symlink(at('victim'), at('link'));
    await writeFileDurably(at('link'), 'new', { mode: 0o600 });
    expect(await readFile(at('victim'), 'utf8')).toBe('untouched');
    expect(await readFile(at('link'), 'utf8')).toBe('new');
  });

  test('that cannot be put in place leaves the old, and nothing beside it', async () => {
    await mkdir(at('directory', 'full'), { recursive: true });
    await expect(writeFileDurably(at('directory'), 'x', { mode: 0o600 })).rejects.toThrow();
    await expect(writeFileDurably(at('missing', 'x'), 'x', { mode: 0o600 })).rejects.toMatchObject({
      code: 'ENOENT',
    });
    expect(await readdir(folder)).toEqual(['directory']);
  });

  test('is whole at every moment for whoever reads', async () => {
    const [a, b] = ['a'.repeat(100_000), 'b'.repeat(100_000)];
    await writeFileDurably(at('busy'), a, { mode: 0o600 });
    let writing = true;
    const write = (async () => {
      for (let i = 0; i < 30; i++) await writeFileDurably(at('busy'), i % 2 ? a : b, { mode: 0o600 });
      writing = false;
    })();
    while (writing) expect([a, b]).toContain(await readFile(at('busy'), 'utf8'));
    await write;
  });
});

test('a full disk is said to be full, and the old file stays', requires('root', 'tmpfs'), async () => {
  await mkdir(at('small'));
  await runCommand('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', at('small')], { timeoutMs: 10_000 });
  try {
    await writeFileDurably(at('small', 'file'), 'old', { mode: 0o600 });
    const write = writeFileDurably(at('small', 'file'), Buffer.alloc(200_000), { mode: 0o600 });
    await expect(write).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(await readdir(at('small'))).toEqual(['file']);
    expect(await readFile(at('small', 'file'), 'utf8')).toBe('old');
  } finally {
    await runCommand('umount', [at('small')], { timeoutMs: 10_000 });
  }
});

describe('a private directory', () => {
  test('is made with its parents, and is ours alone', async () => {
    expect(await ensurePrivateDirectory(at('a', 'b', 'state'))).toBe(at('a', 'b', 'state'));
    expect(await modeOf(at('a', 'b', 'state'))).toBe('700');
    await ensurePrivateDirectory(at('a', 'b', 'state'));
  });

  test('that is wider is refused, not closed: it may be everybody’s', async () => {
    await mkdir(at('everybody'));
    await chmod(at('everybody'), 0o1777);
    await expect(ensurePrivateDirectory(at('everybody'))).rejects.toMatchObject(unsafe);
    expect(await modeOf(at('everybody'))).toBe('1777');
  });

  test('may have been opened as far as is said, and lacks nothing of the mode', async () => {
    await mkdir(at('state'), { mode: 0o700 });
    await ensurePrivateDirectory(at('state'), 0o710);
    expect(await modeOf(at('state'))).toBe('710');
    await expect(ensurePrivateDirectory(at('state'))).rejects.toMatchObject(unsafe);
    await ensurePrivateDirectory(at('state'), 0o700, 0o710);
    expect(await modeOf(at('state'))).toBe('710');
  });

  test('is no link and no file', async () => {
    await mkdir(at('real'), { mode: 0o700 });
    await symlink(at('real'), at('link'));
    await symlink(at('nowhere'), at('dangling'));
    await writeFile(at('file'), '');
    for (const name of ['link', 'dangling', 'file']) {
      await expect(ensurePrivateDirectory(at(name))).rejects.toMatchObject(unsafe);
    }
  });
});

describe('a secret file', () => {
  test('is read whole where only its owner can', async () => {
    await writeFileDurably(at('key'), Buffer.from([1, 0, 255]), { mode: 0o600 });
    expect(await readSecretFile(at('key'))).toEqual(Buffer.from([1, 0, 255]));
    await chmod(at('key'), 0o400);
    expect(await readSecretFile(at('key'))).toHaveLength(3);
  });

  test.each(['640', '604', '660', '622', '601'])('is refused with mode %s', async (mode) => {
    await writeFile(at('key'), 'x');
    await chmod(at('key'), Number.parseInt(mode, 8));
    await expect(readSecretFile(at('key'))).rejects.toMatchObject({
      ...unsafe,
      message: expect.stringContaining(`0${mode}`),
    });
  });

  test('is no link, folder, pipe or giant', async () => {
    await writeFile(at('key'), 'x', { mode: 0o600 });
    await symlink(at('key'), at('link'));
    await mkdir(at('folder'), { mode: 0o700 });
    await runCommand('mkfifo', ['-m', '600', at('pipe')], { timeoutMs: 10_000 });
    await writeFile(at('giant'), Buffer.alloc(2_000_000), { mode: 0o600 });
    for (const name of ['link', 'folder', 'pipe', 'giant']) {
      await expect(readSecretFile(at(name))).rejects.toMatchObject(unsafe);
    }
  });

  test('that is missing is missing', async () => {
    await expect(readSecretFile(at('none'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

test('what belongs to another user is refused', requires('root'), async () => {
  await mkdir(at('theirs'), { mode: 0o700 });
  await writeFile(at('key'), 'x', { mode: 0o600 });
  for (const name of ['theirs', 'key']) await chown(at(name), 54_321, 0);
  await expect(ensurePrivateDirectory(at('theirs'))).rejects.toMatchObject(unsafe);
  await expect(readSecretFile(at('key'))).rejects.toMatchObject(unsafe);
});
