/** What a keepalived of ours is taken for that has been left: nothing but that. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import {
  addressIn,
  filesIn,
  type KeepalivedFiles,
  keepalivedConfig,
  stateIn,
} from '../../../src/agent/ha/keepalived/config.ts';
import { endLeftOver } from '../../../src/agent/ha/keepalived/left-over.ts';
import { isAlive } from '../../../src/sys/processes.ts';
import { requires } from '../../require.ts';

const WANTED = { address: '192.0.2.10', interfaceName: 'eth0', routerId: 51, preferred: true };

describe('what was left', requires('linux'), () => {
  let files: KeepalivedFiles;
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'borealis-left-'));
    files = filesIn(join(root, 'driver'));
    mkdirSync(files.directory);
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  /** A program of that name with these arguments, which does nothing for long. */
  const start = async (name: string, ...args: string[]) => {
    const program = join(root, name);
    copyFileSync('/bin/sh', program);
    const child = spawn(program, ['-c', 'read line', ...args], { stdio: ['pipe', 'ignore', 'ignore'] });
    await once(child, 'spawn');
    onTestFinished(() => void child.kill('SIGKILL'));
    return child;
  };

  test('is ended where it is a keepalived that was begun with our file', async () => {
    const child = await start('keepalived', '--use-file', files.config);
    const ended = once(child, 'exit');
    writeFileSync(files.pid, `${child.pid}\n`);
    await endLeftOver(files);
    expect(await ended).toEqual([null, 'SIGTERM']);
    expect(existsSync(files.pid)).toBe(false);
  });

  test.each([
    ["a keepalived of the system's own", 'keepalived', '/etc/keepalived/keepalived.conf'],
    ['another program that has got its number', 'editor', null],
  ])('is left alone where it is %s', async (_, name, config) => {
    const child = await start(name, '--use-file', config ?? files.config);
    writeFileSync(files.pid, `${child.pid}\n`);
    writeFileSync(files.vrrpPid, '1\n');
    await endLeftOver(files);
    expect(isAlive(child.pid!)).toBe(true);
    expect(child.exitCode ?? child.signalCode).toBeNull();
  });

  test.each(['', 'x', '-1', '0', '99999999999999999999'])('a number that is none: %j', async (text) => {
    writeFileSync(files.pid, text);
    await endLeftOver(files);
    expect(existsSync(files.pid)).toBe(false);
  });
});

describe('keepalived.conf', () => {
  test('names the address that it is about', () => {
    const files = filesIn('/var/lib/x');
    expect(addressIn(keepalivedConfig(WANTED, files))).toEqual({
      address: '192.0.2.10',
      interfaceName: 'eth0',
    });
    const six = { ...WANTED, address: '2001:db8::10' };
    expect(addressIn(keepalivedConfig(six, files))?.address).toBe('2001:db8::10');
    expect(addressIn('')).toBeNull();
  });

  test('has nothing in it that would be read as more than a word', () => {
    for (const interfaceName of ['eth0 }', 'a\nb', 'a#b', 'a!b', ''])
      expect(() => keepalivedConfig({ ...WANTED, interfaceName }, filesIn('/var/lib/x'))).toThrow(
        /cannot be told/,
      );
    expect(() => keepalivedConfig(WANTED, filesIn('/var/lib/a b'))).toThrow(/cannot be told/);
  });

  test('what it writes of our instance is read, and nothing else', () => {
    expect(stateIn('INSTANCE "floating" MASTER 250')).toBe('MASTER');
    expect(stateIn('INSTANCE "other" MASTER 250')).toBeNull();
    expect(stateIn('GROUP "floating" MASTER 250')).toBeNull();
    expect(stateIn('INSTANCE "floating" MASTER_RX_LOWER_PRI 250')).toBeNull();
  });
});
