import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { demandRoom, writeNewFile } from '../../../src/commands/manner/new-file.ts';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'borealis-new-file-'));
  file = join(directory, 'x');
});
afterEach(() => rmSync(directory, { recursive: true }));

const there = (): string[] => readdirSync(directory);

test('whole, for its owner alone, nothing beside it', async () => {
  const counts: number[] = [];
  const onBytes = (count: number): void => void counts.push(count);
  const size = await writeNewFile(file, Readable.from([Buffer.from('one'), Buffer.from('two')]), {
    replace: false,
    onBytes,
  });
  expect([size, readFileSync(file, 'utf8'), there(), counts]).toEqual([6, 'onetwo', ['x'], [3, 6]]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('one that appears meanwhile stays as it is', async () => {
  const slow = Readable.from(
    (async function* () {
      yield Buffer.from('new');
      writeFileSync(file, 'old');
    })(),
  );
  await expect(writeNewFile(file, slow, { replace: false })).rejects.toMatchObject({ code: 'USAGE' });
  expect([readFileSync(file, 'utf8'), there()]).toEqual(['old', ['x']]);
});

test('content that breaks off leaves what was there, and nothing beside it', async () => {
  writeFileSync(file, 'old');
  const broken = Readable.from(
    (async function* () {
      yield Buffer.from('new');
      throw new Error('broke off');
    })(),
  );
  await expect(writeNewFile(file, broken, { replace: true })).rejects.toThrow('broke off');
  expect([readFileSync(file, 'utf8'), there()]).toEqual(['old', ['x']]);
});

test('replacing a symbolic link replaces the link, not what it leads to', async () => {
  const other = join(directory, 'other');
  writeFileSync(other, 'untouched');
  symlinkSync(other, file);
  await writeNewFile(file, Readable.from([Buffer.from('new')]), { replace: true });
  expect([readFileSync(other, 'utf8'), readFileSync(file, 'utf8')]).toEqual(['untouched', 'new']);
});

test('a directory that is missing, a name that is taken: known before anybody is asked', async () => {
  await expect(demandRoom(join(directory, 'no', 'x'), false)).rejects.toMatchObject({ code: 'ENOENT' });
  mkdirSync(file);
  await expect(demandRoom(file, false)).rejects.toMatchObject({ code: 'USAGE' });
});
