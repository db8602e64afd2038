import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { clockSynchronised, systemClock } from '../../src/sys/clock.ts';
import { diskUsage } from '../../src/sys/disk.ts';
import { machineFingerprint } from '../../src/sys/machine-fingerprint.ts';
import { parseSocketTable, portHolder } from '../../src/sys/ports.ts';
import { processCommand } from '../../src/sys/processes.ts';
import { requires } from '../require.ts';

describe('the clock', () => {
  test('tells the time, and spans that only grow', () => {
    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(60_000);
    const before = systemClock.monotonic();
    expect(systemClock.monotonic()).toBeGreaterThanOrEqual(before);
  });

  test('is synchronised as another reader of adjtimex(2) has it', requires('linux', 'python3'), async () => {
    const { synchronised, offsetMs } = await clockSynchronised();
    expect(synchronised).toBe(execFileSync('python3', ['-c', TIMEX], { encoding: 'utf8' }).trim() === 'True');
    expect(offsetMs === null).toBe(synchronised !== true);
  });
});

const TIMEX = `
import ctypes as c
class Timex(c.Structure):
    _fields_ = [('modes', c.c_uint), ('offset', c.c_long), ('freq', c.c_long), ('maxerror', c.c_long),
                ('esterror', c.c_long), ('status', c.c_int), ('rest', c.c_byte * 256)]
timex = Timex()
assert c.CDLL(None).adjtimex(c.byref(timex)) >= 0
print(not timex.status & 0x40)`;

test('room on a disk is what df says', requires('linux', 'df'), async () => {
  const { total, free, percent_free } = await diskUsage(tmpdir());
  const df = execFileSync('df', ['--block-size=1', '--output=size', tmpdir()], { encoding: 'utf8' });
  expect(total).toBe(Number(df.split('\n')[1]));
  expect(free).toBeGreaterThan(0);
  expect(percent_free).toBeCloseTo((free / total) * 100);
  await expect(diskUsage('/no/such/path')).rejects.toMatchObject({ code: 'ENOENT' });
});

describe('the holder of a port', requires('linux'), () => {
  test.each(['127.0.0.1', '::1'])('is this process where it listens on %s', async (host) => {
    const server = createServer().listen(0, host);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    expect(await portHolder(port, 'tcp')).toMatchObject({ pid: process.pid });
    server.close();
    await once(server, 'close');
    expect(await portHolder(port, 'tcp')).toBeNull();
  });

  test('is found for UDP too', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    expect(await portHolder(socket.address().port, 'udp')).toMatchObject({ pid: process.pid });
    socket.close();
  });

  test('is nobody for a connection that only comes from there', () => {
    const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:20FB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0 100 0 0 10 0
   1: 0100007F:20FB 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 222 1 0 20 4 30 10 -1
   2: 0100007F:9C40 0100007F:20FB 01 00000000:00000000 00:00000000 00000000     0        0 333 1 0 20 4 30 10 -1
`;
    expect(parseSocketTable(table, 8443, '0A')).toEqual(['111']);
    expect(parseSocketTable(table, 40_000, '0A')).toEqual([]);
    expect(parseSocketTable('', 8443, '0A')).toEqual([]);
  });
});

test('a process is named by what it runs, without its arguments', requires('linux'), () => {
  expect(processCommand(process.pid)).toMatch(/^node/);
  expect(processCommand(process.pid)).not.toContain('--');
  expect(processCommand(2 ** 22 + 1)).toBeNull();
});

describe('the fingerprint of a machine', () => {
  let root: string;
  const put = async (path: string, content: string): Promise<void> => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  };
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'borealis-fingerprint-'));
  });
  afterEach(() => rm(root, { recursive: true }));

  const ID = '0123456789abcdef0123456789abcdef';

  test('stays, is no machine-id, and is one of its own for each', async () => {
    await put('etc/machine-id', `${ID}\n`);
    const first = machineFingerprint({ root });
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(first).not.toContain(ID);
    expect(machineFingerprint({ root })).toBe(first);
    await put('etc/machine-id', `${ID.replace('0', '1')}\n`);
    expect(machineFingerprint({ root })).not.toBe(first);
    expect(machineFingerprint({ machineId: 'agent-1' })).not.toBe(
      machineFingerprint({ machineId: 'agent-2' }),
    );
  });

  test('falls back to the board, then to the first real network card', async () => {
    await put('sys/class/net/docker0/address', '02:42:00:00:00:01\n');
    expect(() => machineFingerprint({ root })).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED_PLATFORM' }),
    );
    await put('sys/class/net/eth0/address', '52:54:00:12:34:56\n');
    await put('sys/class/net/eth0/device/vendor', '0x1af4');
    const card = machineFingerprint({ root });
    await put('sys/class/dmi/id/product_uuid', '00000000-0000-0000-0000-000000000000\n');
    expect(machineFingerprint({ root })).toBe(card);
    await put('sys/class/dmi/id/product_uuid', '12345678-1234-1234-1234-123456789abc\n');
    const board = machineFingerprint({ root });
    expect(board).not.toBe(card);
    await put('etc/machine-id', 'uninitialized\n');
    expect(machineFingerprint({ root })).toBe(board);
    await put('etc/machine-id', `${ID}\n`);
    expect(machineFingerprint({ root })).not.toBe(board);
  });
});
