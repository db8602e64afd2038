/** Copies through the engine's word: who may, what is on record, and what a token is good for. */
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Tally } from '../../../src/commands/local/copy/tally.ts';
import { CopyConnection } from '../../../src/copy/connection.ts';
import { sendTree } from '../../../src/copy/send.ts';
import { findSource } from '../../../src/copy/source.ts';
import { TO_AGENT_PORT } from '../../../src/protocol/agent-port.ts';
import { encodeFrame } from '../../../src/protocol/agent-port-codec.ts';
import { framesOf } from '../../copy/parts.ts';
import { until } from '../agents.ts';
import { CopyLab, GUID, silence } from './lab.ts';

let lab: CopyLab;
beforeEach(async () => {
  lab = await CopyLab.open();
});
afterEach(() => lab.close());

const content = (bytes: number): Buffer =>
  Buffer.from(Array.from({ length: bytes }, (_, at) => (at * 7) & 0xff));

test('there and back, on record before a byte of it, the way open no longer than that', async () => {
  const file = lab.path('a.bin');
  writeFileSync(file, content(700_000), { mode: 0o640 });
  const { tally, transferred } = await lab.cp([file, `web1:${lab.path('there')}`]);
  expect(transferred).toEqual({ device: 'web1', guid: GUID, connections: 1 });
  expect(tally).toMatchObject({ files: 1, bytes: 700_000, transferred: 700_000, problems: [] });
  expect(statSync(lab.path('there')).mode & 0o777).toBe(0o640);
  await lab.cp([`web1:${lab.path('there')}`, lab.path('back')]);
  expect(readFileSync(lab.path('back'))).toEqual(content(700_000));

  const records = await lab.audit();
  const action = 'copy.open';
  expect(records).toMatchObject([
    { actor: 'olaf', action: 'copy.open', target: 'web1' },
    { actor: 'olaf', action, target: 'web1' },
  ]);
  expect(JSON.parse(records[0]!.detail_json!)).toEqual({
    guid: GUID,
    direction: 'to_device',
    path: lab.path('there'),
  });
  expect(lab.told.map(({ type, device, data }) => [type, device, data.direction])).toEqual([
    ['copy.started', 'web1', 'to_device'],
    ['copy.started', 'web1', 'from_device'],
  ]);
  await until(() => lab.tunnels.granted.length === 0);
});

test('the caller’s user alone may reach the agent’s port, while the stream is open', async () => {
  const over = new AbortController();
  const input = { device: 'web1', direction: 'to_device' as const, path: '/tmp/x' };
  const stream = lab.client.stream('copy.open', input, over.signal);
  await stream.next();
  expect(lab.tunnels.granted).toEqual([{ uid: 4_711, port: 47_001 }]);
  const end = stream.next();
  over.abort();
  await end;
  await until(() => lab.tunnels.granted.length === 0);
});

test('a tunnel that is taken down ends the stream and says so', async () => {
  const input = { device: 'web1', direction: 'to_device' as const, path: '/tmp/x' };
  const stream = lab.client.stream('copy.open', input);
  await stream.next();
  lab.tunnels.over();
  await expect(stream.next()).rejects.toMatchObject({ code: 'TUNNEL_DOWN' });
});

test('a device that is not there is refused at once, not waited for', async () => {
  writeFileSync(lab.path('a'), 'a');
  lab.tunnels.failing = true;
  await expect(lab.cp([lab.path('a'), 'web1:/tmp/x'])).rejects.toMatchObject({ code: 'DEVICE_OFFLINE' });
  await expect(lab.cp([lab.path('a'), 'no-such:/tmp/x'])).rejects.toMatchObject({ code: 'DEVICE_NOT_FOUND' });
});

test('paths that do not begin at the root begin in the home of the agent’s user', async () => {
  writeFileSync(lab.path('a'), 'a');
  mkdirSync(lab.path('home/sub'));
  for (const [to, there] of [
    ['web1:', 'home/a'],
    ['web1:b', 'home/b'],
    ['web1:~/sub/', 'home/sub/a'],
  ] as const) {
    await lab.cp([lab.path('a'), to]);
    expect(existsSync(lab.path(there)), there).toBe(true);
  }
  mkdirSync(lab.path('here'));
  await lab.cp(['web1:~', lab.path('here')]);
  expect(readdirSync(lab.path('here')).sort()).toEqual(['a', 'b', 'sub']);
});

test('a directory that the agent makes for them is as a login shell of root would make it', async () => {
  const mask = process.umask(0o077);
  try {
    writeFileSync(lab.path('a'), 'a', { mode: 0o644 });
    await lab.cp([lab.path('a'), `web1:${lab.path('made')}/`]);
    await lab.cp([`web1:${lab.path('a')}`, lab.path('own/')]);
  } finally {
    process.umask(mask);
  }
  const modes = ['made', 'made/a', 'own'].map((name) => statSync(lab.path(name)).mode & 0o777);
  expect(modes).toEqual([0o755, 0o600, 0o700]);
});

test('several files from a device go into a directory', async () => {
  for (const name of ['x', 'y']) writeFileSync(lab.path('home', name), name);
  const { tally, transferred } = await lab.cp(['web1:x', 'web1:y', lab.path('here')]);
  expect([tally.files, transferred.connections]).toEqual([2, 2]);
  expect(readFileSync(lab.path('here/y'), 'utf8')).toBe('y');
});

test('what is not there is said, by whichever side it is', async () => {
  writeFileSync(lab.path('a'), 'a');
  for (const operands of [
    [lab.path('none'), 'web1:/tmp/x'],
    ['web1:/none', lab.path('b')],
    [lab.path('a'), `web1:${lab.path('no/such/place')}`],
    ['web1:', lab.path('no/such/place')],
  ])
    await expect(lab.cp(operands), operands.join(' ')).rejects.toMatchObject({ code: 'NO_SUCH_PATH' });
});

test('an agent that goes away in the middle and comes back: the copy goes on where it stopped', async () => {
  const file = lab.path('large');
  const size = 30_000_000;
  writeFileSync(file, content(1_000_000));
  for (let at = 1; at < 30; at += 1) writeFileSync(file, content(1_000_000), { flag: 'a' });
  const tally = new Tally(silence());
  let cut = false;
  const { moved } = tally;
  tally.moved = (bytes) => {
    moved.call(tally, bytes);
    if (cut || tally.transferred < 5_000_000) return;
    cut = true;
    lab.port.down();
    setImmediate(() => void lab.agentUp());
  };
  const { transferred } = await lab.cp([file, `web1:${lab.path('there')}`], { tally });
  expect(cut && transferred.connections).toBe(2);
  expect(tally).toMatchObject({ files: 1, bytes: size, problems: [] });
  expect(readFileSync(lab.path('there')).equals(readFileSync(file))).toBe(true);
  expect(readdirSync(lab.directory).filter((name) => name.startsWith('.borealis'))).toEqual([]);
});

test('Ctrl-C ends it, and what has arrived is gone on with', async () => {
  const file = lab.path('large');
  writeFileSync(file, Buffer.alloc(20_000_000, 'x'));
  const controller = new AbortController();
  const tally = new Tally(silence());
  const { moved } = tally;
  tally.moved = (bytes) => {
    moved.call(tally, bytes);
    if (tally.transferred > 8_000_000) controller.abort();
  };
  const to = `web1:${lab.path('there')}`;
  await expect(lab.cp([file, to], { tally, signal: controller.signal })).rejects.toMatchObject({
    code: 'CANCELLED',
  });
  expect(existsSync(lab.path('there'))).toBe(false);
  await until(() => lab.agentLog.lines.some(({ message }) => message === 'copy broke off'));
  const again = await lab.cp([file, to]);
  expect(again.tally.transferred).toBeLessThan(20_000_000);
  expect(statSync(lab.path('there')).size).toBe(20_000_000);
});

test('a token writes below its own path alone, whatever its bearer says, and once', async () => {
  writeFileSync(lab.path('a'), 'a');
  const over = new AbortController();
  const input = { device: 'web1', direction: 'from_device' as const, path: lab.path('home') };
  const stream = lab.client.stream('copy.open', input, over.signal);
  const { value } = await stream.next();
  const { address, port, token } = value as { address: string; port: number; token: string };
  const use = async () => {
    const socket = connect({ host: address, port, allowHalfOpen: true });
    await once(socket, 'connect');
    socket.write(encodeFrame(TO_AGENT_PORT.OPEN, Buffer.from(token, 'latin1')));
    const connection = new CopyConnection({ socket, frames: framesOf(socket), side: 'operator' });
    const watch = new Tally(silence());
    const sources = [await findSource(lab.path('a'))];
    const memory = { settled: new Set<string>(), into: null };
    return sendTree({ connection, sources, memory, watch }).finally(() => connection.destroy());
  };
  // It is for reading: what is sent on it is not what the agent expects.
  await expect(use()).rejects.toMatchObject({ code: 'SCHEMA_MISMATCH' });
  expect(readdirSync(lab.path('home'))).toEqual([]);
  await expect(use()).rejects.toMatchObject({ code: 'REPLAY_DETECTED' });
  const end = stream.next();
  over.abort();
  await end;
});
