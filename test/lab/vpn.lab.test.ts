/** The VPN bastion: the ordinary WireGuard client through the real programs, in order of one another. */
import { chmodSync, readFileSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditRecord } from '../../src/protocol/audit.ts';
import type { Connection, VpnService } from '../../src/protocol/vpn.ts';
import { hold } from '../commands/hold.ts';
import { requires } from '../require.ts';
import type { Host } from './host.ts';
import { call, echoServer, exchange, tryTcp } from './inside.ts';
import { LAB_NEEDS, Lab } from './lab.ts';
import { ENGINE_ADDRESS, ROUTER_ADDRESS } from './network.ts';
import { INNER, INNER6, startInner, streamUdp, tellInner, tryUdp, udpEcho } from './vpn-network.ts';
import { loseWireGuard, wireGuardOf } from './wireguard-process.ts';

/** Debian's account of nobody in particular, in the group that is let to the socket. */
const OPERATOR = { user: 'nobody', group: 'nogroup' };
/** Milliseconds for what must heal by itself: bounds, no measures. */
const HEALING = { interval: 100 };
const REFUSED = /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EACCES|EPERM|ECONNRESET|silence)$/;

describe('a VPN service', requires(...LAB_NEEDS, 'wg-quick', 'setpriv'), () => {
  let lab: Lab;
  let inner: Host;
  let north: Host;
  let south: Host;
  const vpn = <T>(...args: string[]) => lab.json<T>(['vpn', ...args]);
  const connection = <T = Connection>(verb: string, ...args: string[]) =>
    lab.json<T>(['connection', verb, 'office', ...args]);
  const refused = async (args: string[]) => {
    const { code, stdout } = await lab.ctl([...args, '--json']);
    expect(code).not.toBe(0);
    return (JSON.parse(stdout) as { error: { code: string; message: string; next: string } }).error;
  };
  /** Its configuration as a file, taken up unchanged by the ordinary client. */
  const connect = async (host: Host, name: string, ...more: string[]): Promise<string> => {
    const file = lab.path(`${name}.conf`);
    await connection('config', name, '--file', file, ...more);
    host.run('wg-quick', 'up', file);
    return file;
  };

  beforeAll(async () => {
    lab = await Lab.start(['north', 'south']);
    chmodSync(lab.directory, 0o755);
    inner = await startInner(lab);
    tellInner(inner, '10.8.0.0/24', 'fd00:8::/64');
    await Promise.all([
      echoServer(inner, 80, 443),
      udpEcho(inner, 53),
      lab.startEngine([], { BOREALIS_SOCKET_GROUP: OPERATOR.group }),
    ]);
    north = lab.device('north');
    south = lab.device('south');
  });
  afterAll(async () => {
    await inner?.end();
    await lab?.dispose();
  });

  const OFFICE = [
    ...['--endpoint', `${ENGINE_ADDRESS}:51820`, '--pool', '10.8.0.0/24', '--pool6', 'fd00:8::/64'],
    ...['--local-subnet', '192.168.5.0/24,fd00:5::/64', '--label', 'env=test'],
  ];

  test('is not there where the host does not let the engine pass packets on; that is said, and undone', async () => {
    lab.engine.run('sh', '-ec', 'mount --bind /proc/sys /proc/sys; mount -o remount,ro,bind /proc/sys');
    expect(await refused(['vpn', 'create', 'office', ...OFFICE])).toMatchObject({
      code: 'FORWARDING_OFF',
      next: expect.stringContaining('net.ipv4.ip_forward=1'),
    });
    lab.engine.run('umount', '/proc/sys');
    expect(await vpn('list')).toEqual([]);
    expect(lab.engine.run('ip', '-brief', 'link')).not.toContain('bvpn');
    expect(lab.engine.run('nft', 'list', 'tables').trim()).toBe('');
  });

  test('is made, and is up', async () => {
    const office = await vpn<VpnService>('create', 'office', ...OFFICE);
    await hold(lab, 'vpn-create', office);
    expect(lab.engine.run('ip', '-brief', 'address', 'show', 'dev', office.interface)).toContain(
      '10.8.0.1/24',
    );
    expect(lab.engine.run('ss', '-Hlun')).toContain(':51820');
    await hold(lab, 'vpn-show', await vpn('show', 'office'));
    await hold(lab, 'vpn-list', await vpn('list'));
  });

  test('nobody is in before there is a connection; then a client is, with the file as it is', async () => {
    await hold(lab, 'connection-add', await connection('add', 'ada', '--psk'));
    const before = await connection('show', 'ada');
    expect(before).toMatchObject({
      status: 'new',
      public_key: null,
      address: '10.8.0.2',
      address6: 'fd00:8::2',
    });
    const file = await connect(north, 'ada');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await tryTcp(north, INNER, 80)).toBe('echo');
    // Its neighbours learn their addresses of IPv6 while this begins.
    await expect.poll(() => tryTcp(north, INNER6, 80)).toBe('echo');
    const after = await connection('show', 'ada');
    expect(after).toMatchObject({
      status: 'connected',
      endpoint: expect.stringContaining(`${ROUTER_ADDRESS}:`),
    });
    expect(after.rx_bytes).toBeGreaterThan(100);
    expect(after.tx_bytes).toBeGreaterThan(100);
    expect(after.connected_since).not.toBeNull();
    await lab.event('connection.connected', ({ data }) => data.connection === 'ada');
    // What lies in the network behind sees the client's own address.
    expect(await connection('list')).toMatchObject([{ name: 'ada', status: 'connected' }]);
  });

  test('its JSON is what scripts rely on', async () => {
    const still = (value: Connection): Connection => ({ ...value, status: 'connected' });
    await hold(lab, 'connection-show', still(await connection('show', 'ada')));
    await hold(lab, 'connection-list', (await connection<Connection[]>('list')).map(still));
    await hold(lab, 'vpn-status', await vpn('status', 'office'));
    await hold(lab, 'connection-config', await connection('config', 'ada'));
  });

  test('the private key is shown once, and again only as another one', async () => {
    const config = readFileSync(lab.path('ada.conf'), 'utf8');
    expect(config).toMatch(/^PrivateKey = \S{44}$/m);
    const again = await connection<{ config: string; private_key_shown: boolean }>('config', 'ada');
    expect(again.private_key_shown).toBe(false);
    expect(again.config).not.toMatch(/^PrivateKey/m);
  });

  test('a large transfer and a large datagram pass', async () => {
    const text = 'Grüße, and a line of text.\n'.repeat(100_000);
    expect((await exchange(north, INNER, 80, text, 30_000)) === text).toBe(true);
    expect(await tryUdp(north, INNER, 53, 8_000)).toBe('echo');
  });

  test('a WireGuard that ends, or hangs, is another one within seconds, and the client is in again by itself', async () => {
    const { interface: name } = await vpn<VpnService>('show', 'office');
    expect(await tryTcp(north, INNER, 80)).toBe('echo');
    loseWireGuard(lab.engine, name);
    await expect.poll(() => tryTcp(north, INNER, 80), HEALING).toBe('echo');
    const hung = wireGuardOf(lab.engine, name);
    if (hung === '') return; // the kernel has it
    lab.engine.run('kill', '-STOP', hung);
    await expect.poll(() => tryTcp(north, INNER, 80), HEALING).toBe('echo');
    expect(wireGuardOf(lab.engine, name)).not.toBe(hung);
    expect(await vpn('show', 'office')).toMatchObject({ phase: 'up' });
  });

  test('leads to nothing but its local subnets', async () => {
    await echoServer(lab.engine, 2_022);
    expect(await tryTcp(north, '10.8.0.1', 2_022)).toMatch(REFUSED);
    // The other side of the bastion, which a client could well send to.
    north.ip('route add 203.0.113.0/25 dev ada');
    north.run(
      'wg',
      'set',
      'ada',
      'peer',
      (await vpn<VpnService>('show', 'office')).public_key,
      'allowed-ips',
      '0.0.0.0/1,128.0.0.0/2,192.0.0.0/3,fd00::/8',
    );
    expect(await tryTcp(north, ROUTER_ADDRESS, 80)).toMatch(REFUSED);
    north.ip('route del 203.0.113.0/25 dev ada');
  });

  test('disabled, a client that goes on sending gets nothing within a second, and is in again when enabled', async () => {
    const talk = streamUdp(north, INNER, 53);
    await expect.poll(talk.heard).toBeGreaterThan(10);
    expect(await connection('disable', 'ada')).toMatchObject({ status: 'disabled' });
    expect(await tryTcp(north, INNER, 443)).toMatch(REFUSED);
    // What was under way when the command ended is there by now.
    const heard = talk.heard();
    expect(await tryTcp(north, INNER, 80)).toMatch(REFUSED);
    expect(talk.heard()).toBe(heard);
    expect(await connection('enable', 'ada')).toMatchObject({ name: 'ada' });
    const since = talk.heard();
    // Of itself the client would go on with a session that nobody knows any more, for 15 seconds.
    await expect.poll(talk.heard).toBeGreaterThan(since);
    talk.end();
  });

  test('what a connection may reach is enforced on live traffic', async () => {
    await connection('add', 'guest', '--allow', `${INNER}/32:443/tcp`);
    await connect(south, 'guest');
    expect(await tryTcp(south, INNER, 443)).toBe('echo');
    expect(await tryTcp(south, INNER, 80)).toMatch(REFUSED);
    expect(await tryUdp(south, INNER, 53, 10)).not.toBe('echo');
    expect(await tryTcp(south, INNER6, 443)).toMatch(REFUSED);
    // Nor another client.
    await echoServer(north, 7_000);
    expect(await tryTcp(south, '10.8.0.2', 7_000)).toMatch(REFUSED);
  });

  test('whoever flushes all tables of the host opens it to nobody for long', async () => {
    const tables = () => lab.engine.run('nft', 'list', 'tables').split('\n').sort().join();
    const before = tables();
    expect(before).toContain('borealis_forward');
    lab.engine.nft('flush ruleset');
    await expect.poll(tables, HEALING).toBe(before);
    expect(await tryTcp(south, INNER, 80)).toMatch(REFUSED);
    expect(await tryTcp(south, INNER, 443)).toBe('echo');
    await expect
      .poll(() => lab.ctl(['log', '--level', 'error']).then(({ stdout }) => stdout), HEALING)
      .toContain('was taken away');
  });

  test('removed, a client that has a connection open gets nothing; its address goes to nobody else', async () => {
    const open = await call(south, INNER, 443);
    expect(await open.speak()).toBe(true);
    expect(await connection('remove', 'guest')).toEqual({});
    expect(await open.speak(1_000)).toBe(false);
    open.hangUp();
    expect(await tryTcp(south, INNER, 443)).toMatch(REFUSED);
    expect(await connection('add', 'next')).toMatchObject({ address: '10.8.0.4' });
    south.run('wg-quick', 'down', lab.path('guest.conf'));
  });

  test('refuses a name, a key, an address that is taken, and what is none', async () => {
    const { public_key } = await connection('show', 'ada');
    const add = (...more: string[]) => ['connection', 'add', 'office', ...more];
    expect(await refused(add('ada'))).toMatchObject({ code: 'CONNECTION_EXISTS' });
    expect(await refused(add('x', '--public-key', String(public_key)))).toMatchObject({
      code: 'PUBLIC_KEY_TAKEN',
    });
    expect(await refused(add('x', '--address', '10.8.0.3'))).toMatchObject({ code: 'ADDRESS_TAKEN' });
    expect(await refused(add('x', '--address', '10.8.0.1'))).toMatchObject({ code: 'ADDRESS_TAKEN' });
    expect(await refused(add('x', '--address', '10.9.0.1'))).toMatchObject({ code: 'INVALID_INPUT' });
    expect(await refused(add('x', '--public-key', 'nonsense'))).toMatchObject({ code: 'INVALID_INPUT' });
    expect(await refused(add('x', '--allow', '10.0.0.0/33:1'))).toMatchObject({ code: 'INVALID_INPUT' });
    expect(await refused(add('x', '--allow', '172.16.0.0/12:22'))).toMatchObject({
      code: 'OUT_OF_REACH',
      message: expect.stringContaining('192.168.5.0/24'),
    });
    const create = (...more: string[]) => ['vpn', 'create', ...more];
    expect(await refused(create('office', '--endpoint', 'a:1', '--pool', '10.9.0.0/24'))).toMatchObject({
      code: 'VPN_EXISTS',
    });
    expect(await refused(create('x', '--endpoint', '999.1.1.1:1', '--pool', '10.9.0.0/24'))).toMatchObject({
      code: 'INVALID_INPUT',
    });
    expect(await refused(create('x', '--endpoint', 'a:1', '--pool', '10.9.0.5/24'))).toMatchObject({
      code: 'INVALID_INPUT',
    });
    expect(await refused(create('x', '--endpoint', 'a:51820', '--pool', '10.9.0.0/24'))).toMatchObject({
      code: 'PORT_TAKEN',
    });
    expect(await refused(create('x', '--endpoint', 'a:1', '--pool', '10.8.0.0/16'))).toMatchObject({
      code: 'NETWORK_OVERLAP',
      message: expect.stringContaining('the pool of office'),
    });
    expect(await refused(create('x', '--endpoint', 'a:1', '--pool', '192.168.0.0/16'))).toMatchObject({
      code: 'NETWORK_OVERLAP',
      message: expect.stringContaining('eth1'),
    });
  });

  test('each change has its record', async () => {
    const audit = await lab.json<AuditRecord[]>(['audit', 'list']);
    for (const record of [
      { action: 'vpn.create', target: 'office' },
      { action: 'connection.add', target: 'office ada' },
      { action: 'connection.config', target: 'office ada' },
      { action: 'connection.disable', target: 'office ada' },
      { action: 'connection.enable', target: 'office ada' },
      { action: 'connection.remove', target: 'office guest' },
    ])
      expect(audit).toContainEqual(expect.objectContaining({ ...record, result: 'done', actor: 'root' }));
  });

  test('who has a role in a project alone reaches its services, and nothing else', async () => {
    await lab.json(['user', 'grant', OPERATOR.user, 'operator', '--project', 'lab']);
    const theirs = async (...args: string[]) => {
      const { code, stdout } = await lab.ctlAs(OPERATOR, [...args, '--json']).finished;
      return { code, answer: JSON.parse(stdout) as unknown };
    };
    const denied = { code: 4, answer: { error: { code: 'NOT_PERMITTED' } } };
    await vpn(
      'create',
      'lab',
      '--project',
      'lab',
      '--endpoint',
      `${ENGINE_ADDRESS}:51821`,
      '--pool',
      '10.9.0.0/24',
    );
    expect(await theirs('vpn', 'list')).toMatchObject({ code: 0, answer: [{ name: 'lab' }] });
    expect(await theirs('connection', 'add', 'lab', 'eve')).toMatchObject({
      code: 0,
      answer: { address: '10.9.0.2' },
    });
    expect(await theirs('connection', 'config', 'office', 'ada', '--new-key')).toMatchObject(denied);
    expect(await theirs('connection', 'add', 'office', 'eve')).toMatchObject(denied);
    expect(await theirs('vpn', 'delete', 'lab', '--yes')).toMatchObject(denied);
    expect(await theirs('device', 'list')).toMatchObject({
      code: 4,
      answer: { error: { code: 'STRANGER' } },
    });
    await vpn('delete', 'lab', '--yes');
  });

  test('deleted, nothing of it is left', async () => {
    await hold(lab, 'connection-disable', await connection('disable', 'next'));
    await hold(lab, 'connection-enable', await connection('enable', 'next'));
    await hold(lab, 'connection-remove', await connection('remove', 'next'));
    await hold(lab, 'vpn-delete', await vpn('delete', 'office', '--yes'));
    expect(await lab.json<AuditRecord[]>(['audit', 'list'])).toContainEqual(
      expect.objectContaining({ action: 'vpn.delete', target: 'office', result: 'done' }),
    );
    expect(lab.engine.run('ip', '-brief', 'link')).not.toContain('bvpn');
    expect(lab.engine.run('nft', 'list', 'tables').trim()).toBe('');
    expect(lab.engine.run('cat', '/proc/sys/net/ipv4/ip_forward').trim()).toBe('0');
    expect(await tryTcp(north, INNER, 80)).toMatch(REFUSED);
    expect(await refused(['vpn', 'show', 'office'])).toMatchObject({ code: 'VPN_NOT_FOUND' });
    expect(await vpn('list')).toEqual([]);
  });
});
