/** A VPN service that runs on a device: made by the engine, and in force without it. The tests follow one another. */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Kept } from '../../src/agent/bastion/amended.ts';
import { KeptServices } from '../../src/agent/bastion/kept.ts';
import { SealKey } from '../../src/agent/bastion/seal-key.ts';
import type { Connection, VpnService } from '../../src/protocol/vpn.ts';
import { generateKeyPair, publicKeyOf } from '../../src/wg/keys.ts';
import { keptLog } from '../agent/parts.ts';
import { requires } from '../require.ts';
import type { Host } from './host.ts';
import { echoServer, tryTcp } from './inside.ts';
import { LAB_NEEDS, Lab } from './lab.ts';
import type { Process } from './processes.ts';
import { INNER, startInner, streamUdp, tellInner, udpEcho } from './vpn-network.ts';

const SOON = { interval: 100 };
const REFUSED = /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EACCES|EPERM|ECONNRESET|silence)$/;

describe('a VPN service on a device', requires(...LAB_NEEDS, 'wg-quick'), () => {
  let lab: Lab;
  let inner: Host;
  let north: Host;
  let south: Host;
  let engine: Process;
  let agent: Process;
  const vpn = <T = VpnService>(...args: string[]) => lab.json<T>(['vpn', ...args]);
  const connection = <T = Connection>(verb: string, ...args: string[]) =>
    lab.json<T>(['connection', verb, 'branch', ...args]);
  const refused = async (args: string[]) => {
    const { code, stdout } = await lab.ctl([...args, '--json']);
    expect(code).not.toBe(0);
    return (JSON.parse(stdout) as { error: { code: string; message: string; next: string } }).error;
  };
  const connect = async (name: string): Promise<void> => {
    const file = lab.path(`${name}.conf`);
    await connection('config', name, '--file', file);
    south.run('wg-quick', 'up', file);
  };
  const BRANCH = (pool = '10.7.0.0/24') => [
    ...['--endpoint', `${lab.network.addressOf('north')}:51820`, '--pool', pool],
    ...['--local-subnet', '192.168.5.0/24'],
  ];
  /** Files of services that the device keeps, below its state. */
  const kept = (): string[] =>
    readdirSync(lab.path('north'), { recursive: true, encoding: 'utf8' }).filter((path) =>
      path.endsWith('.service.sealed'),
    );

  beforeAll(async () => {
    lab = await Lab.start(['north', 'south']);
    north = lab.device('north');
    south = lab.device('south');
    inner = await startInner({ engine: north });
    tellInner(inner, '10.7.0.0/24');
    await Promise.all([echoServer(inner, 80), udpEcho(inner, 53)]);
    engine = await lab.startEngine();
    north.run('ip', 'route', 'add', '10.50.0.0/16', 'dev', 'eth0');
    north.run('ip', 'route', 'add', 'blackhole', '10.60.0.0/16');
    agent = await lab.startDevice('north');
  });
  afterAll(async () => {
    await inner?.end();
    await lab?.dispose();
  });

  test('is refused where no device is meant, or one that is not there', async () => {
    expect(await refused(['vpn', 'create', 'branch', '--node', 'nowhere', ...BRANCH()])).toMatchObject({
      code: 'DEVICE_NOT_FOUND',
    });
    expect(await vpn('list')).toEqual([]);
  });

  test('is not made where the interface is somebody else’s there, which is left alone', async () => {
    north.run('ip', 'link', 'add', 'bvpn0', 'type', 'bridge');
    expect(await refused(['vpn', 'create', 'branch', '--node', 'north', ...BRANCH()])).toMatchObject({
      code: 'WG_INTERFACE_FOREIGN',
      message: expect.stringContaining('north says'),
    });
    expect(await vpn('list')).toEqual([]);
    expect(north.run('ip', '-brief', 'link')).toContain('bvpn0');
    expect(kept()).toEqual([]);
    north.run('ip', 'link', 'delete', 'bvpn0');
  });

  test.each([
    ['10.50.8.0/24', '10.50.0.0/16, which is a route of north through '],
    ['10.60.8.0/24', '10.60.0.0/16, which is a route of north.'],
  ])('is not made where its pool, %s, is behind a route of the device', async (pool, clash) => {
    const routes = () =>
      lab.json<{ routes: unknown[] }>(['device', 'inventory', 'north']).then((of) => of.routes);
    await expect.poll(routes, SOON).toContainEqual({ network: '10.60.0.0/16', interface: null });
    expect(await refused(['vpn', 'create', 'branch', '--node', 'north', ...BRANCH(pool)])).toMatchObject({
      code: 'NETWORK_OVERLAP',
      message: expect.stringContaining(clash),
    });
    expect(await vpn('list')).toEqual([]);
  });

  test('is made there and nowhere else, and a client gets through it', async () => {
    const made = await vpn('create', 'branch', '--node', 'north', ...BRANCH());
    expect(made).toMatchObject({ node: 'north', phase: 'up', reason: null });
    expect(north.run('ip', '-brief', 'address', 'show', 'dev', made.interface)).toContain('10.7.0.1/24');
    expect(lab.engine.run('ip', '-brief', 'link')).not.toContain('bvpn');
    await connection('add', 'ada', '--psk');
    await connect('ada');
    expect(await tryTcp(south, INNER, 80)).toBe('echo');
    await expect.poll(async () => (await connection('show', 'ada')).status, SOON).toBe('connected');
    expect((await connection('show', 'ada')).rx_bytes).toBeGreaterThan(100);
    await lab.event('connection.connected', ({ data }) => data.connection === 'ada');
    expect(await vpn('show', 'branch')).toMatchObject({ node: 'north', phase: 'up', connections: 1 });
  });

  /** What the device could lose with its disk, but for the key that lies apart from the rest. */
  const expectSealed = (): void => {
    const name = north.run('ip', '-brief', 'link').match(/bvpn\d+/)?.[0] ?? '';
    const keys = ['private-key', 'preshared-keys'].map((what) => north.run('wg', 'show', name, what).trim());
    const secrets = keys.map((line) => line.split(/\s/).at(-1) ?? '');
    expect(secrets).toEqual([expect.stringMatching(/^.{43}=$/), expect.stringMatching(/^.{43}=$/)]);
    const files = readdirSync(lab.path('north'), { recursive: true, withFileTypes: true })
      .filter((one) => one.isFile())
      .map((one) => readFileSync(join(one.parentPath, one.name), 'latin1'));
    for (const written of [...files, engine.stdout, engine.stderr, agent.stdout, agent.stderr])
      for (const secret of secrets) expect(written).not.toContain(secret);
  };

  test('what the device keeps is for root alone; its keys are sealed there, and in no log', async () => {
    const [file = ''] = kept();
    for (const path of [lab.path('north', file), lab.path('north.key')])
      expect(statSync(path).mode & 0o777).toBe(0o600);
    expectSealed();
  });

  test('a connection that is disabled is out when that is answered, on live traffic; enabled, it is in again', async () => {
    const stream = streamUdp(south, INNER, 53);
    await expect.poll(() => stream.heard(), SOON).toBeGreaterThan(10);
    await connection('disable', 'ada');
    const heard = stream.heard();
    // What was on its way may still come: less than what is sent in a second.
    await expect.poll(() => tryTcp(south, INNER, 80), SOON).toMatch(REFUSED);
    expect(stream.heard() - heard).toBeLessThan(50);
    const again = stream.heard();
    await connection('enable', 'ada');
    // Not after the 15 seconds for which the client goes on with a session that is gone.
    await expect.poll(() => stream.heard(), { interval: 20 }).toBeGreaterThan(again);
    stream.end();
  });

  test('what it may reach changes on the device too', async () => {
    await connection('change', 'ada', '--allow', '192.168.5.0/24:443/tcp');
    expect(await tryTcp(south, INNER, 80)).toMatch(REFUSED);
    await connection('change', 'ada', '--allow-all');
    await expect.poll(() => tryTcp(south, INNER, 80), SOON).toBe('echo');
  });

  test('whoever flushes all tables of the device opens it to nobody for long', async () => {
    await connection('change', 'ada', '--allow', '192.168.5.0/24:443/tcp');
    const tables = () => north.run('nft', 'list', 'tables').split('\n').sort().join();
    const before = tables();
    expect(before).toContain('borealis_agent_forward');
    north.nft('flush ruleset');
    await expect.poll(tables, SOON).toBe(before);
    expect(await tryTcp(south, INNER, 80)).toMatch(REFUSED);
    await connection('change', 'ada', '--allow-all');
    await expect.poll(() => tryTcp(south, INNER, 80), SOON).toBe('echo');
  });

  test('what one connection changes is told alone, and kept beside the whole', async () => {
    const ben = publicKeyOf(randomBytes(32).toString('base64'));
    const [whole = ''] = kept();
    const journal = lab.path('north', whole.replace(/sealed$/, 'changes'));
    const changes = () => readFileSync(journal, 'utf8').split('\n').filter(Boolean).length;
    const [before, wholeBefore] = [changes(), readFileSync(lab.path('north', whole))];
    await connection('add', 'ben', '--public-key', ben);
    const { interface: name } = await vpn('show', 'branch');
    expect(north.run('wg', 'show', name, 'peers')).toContain(ben);
    await connection('remove', 'ben');
    expect(north.run('wg', 'show', name, 'peers')).not.toContain(ben);
    // That it came and that it went: the whole was not written again.
    expect(changes() - before).toBe(2);
    expect(readFileSync(lab.path('north', whole))).toEqual(wholeBefore);
    expect(statSync(journal).mode & 0o777).toBe(0o600);
    expect(await tryTcp(south, INNER, 80)).toBe('echo');
  });

  test('an engine that stops moves nothing', async () => {
    const stream = streamUdp(south, INNER, 53);
    await expect.poll(() => stream.heard(), SOON).toBeGreaterThan(10);
    await engine.kill('SIGTERM');
    const heard = stream.heard();
    await expect.poll(() => stream.heard() - heard, SOON).toBeGreaterThan(50);
    stream.end();
    expect(await tryTcp(south, INNER, 80)).toBe('echo');
  });

  test('an agent that is killed, and one after it without an engine, keep it up', async () => {
    await agent.kill('SIGKILL');
    const name = north.run('ip', '-brief', 'link').match(/bvpn\d+/)?.[0] ?? '';
    expect(name).not.toBe('');
    expect(await tryTcp(south, INNER, 80)).toBe('echo');
    agent = lab.agent('north', ['run'], { BOREALIS_AGENT_FINGERPRINT: 'north' });
    await agent.until(() => agent.stderr.includes('"msg":"not connected'), 'it looks for its engine');
    await expect.poll(() => tryTcp(south, INNER, 80), SOON).toBe('echo');
    // Who was removed before stays so.
    expect(north.run('wg', 'show', name, 'peers').trim().split('\n')).toHaveLength(1);
    // In order: the network goes, what is kept stays, and the next one makes it again.
    await agent.kill('SIGTERM');
    expect(north.run('ip', '-brief', 'link')).not.toContain('bvpn');
    expect(north.run('nft', 'list', 'tables')).not.toContain('bvpn');
    // As an agent kept it that did not seal.
    const [sealed = ''] = kept();
    const directory = dirname(lab.path('north', sealed));
    const key = new SealKey(lab.path('north.key'));
    const [{ service, revision }] = (await new KeptServices({ directory, key, log: keptLog() }).open()) as [
      Kept,
    ];
    for (const name of [sealed, sealed.replace(/sealed$/, 'changes')])
      rmSync(lab.path('north', name), { force: true });
    const plain = lab.path('north', sealed.replace(/sealed$/, 'json'));
    writeFileSync(plain, JSON.stringify({ service, revision }), { mode: 0o600 });
    agent = lab.agent('north', ['run'], { BOREALIS_AGENT_FINGERPRINT: 'north' });
    await expect.poll(() => north.run('ip', '-brief', 'link'), SOON).toContain('bvpn');
    await expect.poll(() => tryTcp(south, INNER, 80), SOON).toBe('echo');
    expect(kept()).toEqual([sealed]);
    expectSealed();
  });

  test('an engine that is back finds it as it was, and tells nothing anew', async () => {
    engine = await lab.startEngine();
    await agent.until(() => agent.stderr.includes('"msg":"connected"'), 'it is connected');
    await expect.poll(async () => (await vpn('show', 'branch')).phase, SOON).toBe('up');
    expect(await tryTcp(south, INNER, 80)).toBe('echo');
  });

  test('a connection that expires is out there while there is no engine', async () => {
    const { publicKey } = generateKeyPair();
    await connection('add', 'guest', '--public-key', publicKey, '--expires', '15s');
    const peers = () => north.run('wg', 'show', 'all', 'peers');
    expect(peers()).toContain(publicKey);
    await engine.kill('SIGTERM');
    await expect.poll(peers, SOON).not.toContain(publicKey);
    expect(await tryTcp(south, INNER, 80)).toBe('echo');
    engine = await lab.startEngine();
    await expect.poll(async () => (await vpn('show', 'branch')).phase, SOON).toBe('up');
    expect(await connection('show', 'guest')).toMatchObject({ status: 'expired' });
    await connection('remove', 'guest');
  });

  test('what is changed while the device is away is kept, said so plainly, and in force when it is back', async () => {
    await agent.kill('SIGKILL');
    await lab.event('device.offline');
    const { code, stderr } = await lab.ctl(['connection', 'disable', 'branch', 'ada']);
    expect([code, stderr]).toEqual([0, expect.stringContaining('not in force yet: north is not connected')]);
    expect(await vpn('show', 'branch')).toMatchObject({
      phase: 'waiting',
      reason: expect.stringContaining('north is not connected'),
    });
    // It goes on as it was told last.
    expect(await tryTcp(south, INNER, 80)).toBe('echo');
    expect(await refused(['vpn', 'create', 'other', '--node', 'north', ...BRANCH()])).toMatchObject({
      code: 'DEVICE_OFFLINE',
    });
    agent = lab.agent('north', ['run'], { BOREALIS_AGENT_FINGERPRINT: 'north' });
    await expect.poll(() => tryTcp(south, INNER, 80), SOON).toMatch(REFUSED);
    await expect.poll(async () => (await vpn('show', 'branch')).phase, SOON).toBe('up');
    await connection('enable', 'ada');
    await expect.poll(() => tryTcp(south, INNER, 80), SOON).toBe('echo');
  });

  test('an interface that is taken away there is made again, and who was there is in again', async () => {
    const { interface: name } = await vpn('show', 'branch');
    expect(await tryTcp(south, INNER, 80)).toBe('echo');
    north.run('ip', 'link', 'delete', name);
    await expect.poll(() => north.run('ip', '-brief', 'link'), SOON).toContain(name);
    await expect.poll(() => tryTcp(south, INNER, 80), { interval: 100 }).toBe('echo');
  });

  test('a device that is quarantined has nothing of it any more, and has it again when it is released', async () => {
    await lab.json(['device', 'quarantine', 'north', '--yes']);
    await expect.poll(() => north.run('ip', '-brief', 'link'), SOON).not.toContain('bvpn');
    await expect.poll(kept, SOON).toEqual([]);
    expect(await vpn('show', 'branch')).toMatchObject({
      phase: 'failed',
      reason: expect.stringContaining('quarantined'),
    });
    expect(await refused(['vpn', 'create', 'other', '--node', 'north', ...BRANCH()])).toMatchObject({
      code: 'DEVICE_STATE_CONFLICT',
    });
    await lab.json(['device', 'release', 'north']);
    await expect.poll(() => north.run('ip', '-brief', 'link')).toContain('bvpn');
    await expect.poll(async () => (await vpn('show', 'branch')).phase, SOON).toBe('up');
  });

  test('deleted, it leaves nothing there', async () => {
    await vpn('delete', 'branch', '--yes');
    expect(north.run('ip', '-brief', 'link')).not.toContain('bvpn');
    expect(north.run('nft', 'list', 'tables').trim()).toBe('');
    expect(north.run('cat', '/proc/sys/net/ipv4/ip_forward').trim()).toBe('0');
    expect(kept()).toEqual([]);
    expect(existsSync(lab.path('north'))).toBe(true);
  });

  test('deleted while the device was away, it goes from there when the device is back', async () => {
    await vpn('create', 'branch', '--node', 'north', ...BRANCH());
    await agent.kill('SIGKILL');
    await expect.poll(async () => (await vpn('show', 'branch')).phase, SOON).toBe('waiting');
    const { code, stderr } = await lab.ctl(['vpn', 'delete', 'branch', '--yes']);
    expect([code, stderr]).toEqual([0, expect.stringContaining('north does not know of it yet')]);
    expect(kept()).toHaveLength(1);
    agent = lab.agent('north', ['run'], { BOREALIS_AGENT_FINGERPRINT: 'north' });
    // What it kept goes before its network does.
    await expect.poll(kept, SOON).toEqual([]);
    await expect.poll(() => north.run('ip', '-brief', 'link'), SOON).not.toContain('bvpn');
  });
});
