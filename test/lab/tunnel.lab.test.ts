/** Reverse tunnels to devices that accept no connection: real programs, real WireGuard, in order of one another. */
import { chmodSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Event } from '../../src/protocol/event.ts';
import type { Tunnel } from '../../src/protocol/tunnel.ts';
import { requires } from '../require.ts';
import { type Call, call, echoServer, exchange, insideAs, tryTcp } from './inside.ts';
import { LAB_NEEDS, Lab } from './lab.ts';
import { GATEWAY_ADDRESS, ROUTER_ADDRESS } from './network.ts';
import type { Process } from './processes.ts';

/** Debian's account of nobody in particular, in the group that is let to the socket. */
const OPERATOR = { user: 'nobody', group: 'nogroup' };
const STRANGER = { user: 'games', group: 'games' };
/** Somebody else's firewall. */
const OTHERS_TABLE = 'table inet filter { chain input { type filter hook input priority 0; }; }';

describe('a tunnel', requires(...LAB_NEEDS, 'setpriv'), () => {
  let lab: Lab;
  let engine: Process;
  const tunnel = (verb: string, device: string, ...more: string[]) =>
    lab.json<Tunnel>(['tunnel', verb, device, ...more]);
  /** Refused in whatever way, at once or by silence; never answered. */
  const expectRefused = async (answer: Promise<string>) =>
    expect(await answer).toMatch(
      /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EACCES|EPERM|EDESTADDRREQ|ENOKEY|ECONNRESET|silence)$/,
    );
  const tables = (of: 'engine' | 'north'): string =>
    (of === 'engine' ? lab.engine : lab.device(of)).run('nft', 'list', 'tables');

  beforeAll(async () => {
    lab = await Lab.start(['north', 'south']);
    chmodSync(lab.directory, 0o755);
    for (const host of [lab.engine, lab.device('north')]) host.nft(OTHERS_TABLE);
    engine = await lab.startEngine([], { BOREALIS_SOCKET_GROUP: OPERATOR.group });
    await Promise.all([
      echoServer(lab.device('north'), 22, 23, 8_080),
      echoServer(lab.device('south'), 22),
      echoServer(lab.network.router, 80),
    ]);
    await Promise.all([lab.startDevice('north'), lab.startDevice('south')]);
    await lab.json(['user', 'grant', OPERATOR.user, 'operator']);
  });
  afterAll(() => lab?.dispose());

  let north: Tunnel;
  let running: Call;

  test('is down before anybody asks for it; nothing listens or stands on the device', async () => {
    expect(await tunnel('status', 'north')).toMatchObject({ state: 'down', tunnel_id: null });
    expect(lab.device('north').run('ip', '-brief', 'link')).not.toContain('borealis');
    expect(lab.engine.run('ss', '-Hltnu')).not.toContain('47001');
  });

  test('is up when the command says so: packets pass, by UDP, from behind the router', async () => {
    north = await tunnel('connect', 'north');
    expect(north).toMatchObject({
      device: 'north',
      state: 'up',
      transport: 'udp',
      virtual_ip: '10.255.0.2',
      endpoint: expect.stringContaining(`${ROUTER_ADDRESS}:`),
      allowed_ports: ['22/tcp', '47001/tcp'],
    });
    expect(await tryTcp(lab.engine, north.virtual_ip!, 22)).toBe('echo');
    expect(lab.engine.run('wg', 'show', 'borealis0', 'allowed-ips')).toMatch(/\s10\.255\.0\.2\/32$/m);
    expect(lab.device('north').run('wg', 'show', 'borealis1', 'allowed-ips')).toMatch(
      /\s10\.255\.0\.1\/32$/m,
    );
    await lab.event('vpn_tunnel_start', ({ device }) => device === 'north');
  });

  test('is one session, shared by its operators', async () => {
    const { code, stdout, stderr } = await lab.ctlAs(OPERATOR, ['tunnel', 'connect', 'north', '--json'])
      .finished;
    expect([code, stderr]).toEqual([0, '']);
    const theirs = JSON.parse(stdout) as Tunnel;
    expect(theirs.tunnel_id).toBe(north.tunnel_id);
    expect(theirs.virtual_ip).toBe(north.virtual_ip);
    expect(theirs.operators.toSorted()).toEqual(['nobody', 'root']);
    expect(lab.engine.run('wg', 'show', 'borealis0', 'peers').trim().split('\n')).toHaveLength(1);
  });

  test('a port that is not allowed is refused by the engine', async () => {
    await expectRefused(tryTcp(lab.engine, north.virtual_ip!, 23));
    const { code, stdout } = await lab.ctl(['tunnel', 'forward', 'north', '2323:23', '--json']);
    expect(code).not.toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'PORT_NOT_ALLOWED' } });
  });

  test("and by the device, with the engine's table removed", async () => {
    lab.engine.nft('delete table inet borealis0');
    await expectRefused(tryTcp(lab.engine, north.virtual_ip!, 23));
    expect(await tryTcp(lab.engine, north.virtual_ip!, 22)).toBe('echo');
  });

  test('ports change while it is up: connections to the others go on', async () => {
    running = await call(lab.engine, north.virtual_ip!, 22);
    const allowed = await lab.json<{ allowed_ports: string[] }>([
      'tunnel',
      'ports',
      'north',
      '--set',
      '22,23',
    ]);
    expect(allowed.allowed_ports).toEqual(['22/tcp', '23/tcp']);
    expect(await tryTcp(lab.engine, north.virtual_ip!, 23)).toBe('echo');
    const second = await call(lab.engine, north.virtual_ip!, 23);
    expect(await running.speak()).toBe(true);
    await lab.json(['tunnel', 'ports', 'north', '--set', '22,47001']);
    expect(await second.speak(300)).toBe(false);
    await expectRefused(tryTcp(lab.engine, north.virtual_ip!, 23));
    expect(await running.speak()).toBe(true);
    expect((await tunnel('status', 'north')).tunnel_id).toBe(north.tunnel_id);
    // What was taken away by hand is back too.
    expect(tables('engine')).toContain('borealis0');
    second.hangUp();
  });

  test('another user of the engine’s machine reaches nothing through it', async () => {
    for (const who of [STRANGER, OPERATOR])
      for (const port of [22, 47_001])
        await expectRefused(tryTcp(insideAs(lab.engine, who), north.virtual_ip!, port));
  });

  test('leads from no device to another', async () => {
    const south = await tunnel('connect', 'south');
    expect(south).toMatchObject({ state: 'up', virtual_ip: '10.255.0.3' });
    expect(await tryTcp(lab.engine, south.virtual_ip!, 22)).toBe('echo');
    const device = lab.device('north');
    await expectRefused(tryTcp(device, south.virtual_ip!, 22));
    // A device that does as it likes, on an engine that forwards: what it sends has its own address, or is not accepted.
    const [key] = device.run('wg', 'show', 'borealis1', 'peers').trim().split('\n');
    device.run('wg', 'set', 'borealis1', 'peer', key!, 'allowed-ips', '10.255.0.0/16');
    device.ip('route add 10.255.0.0/16 dev borealis1');
    device.nft('delete table inet borealis1');
    lab.engine.run('sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward');
    await expectRefused(tryTcp(device, south.virtual_ip!, 22));
    device.ip('address add 10.255.0.9/32 dev borealis1');
    await expectRefused(tryTcp(device, south.virtual_ip!, 22));
    // Nor to the engine's machine itself.
    await echoServer(lab.engine, 2_022);
    await expectRefused(tryTcp(device, '10.255.0.1', 2_022));
    device.ip('address del 10.255.0.9/32 dev borealis1');
  });

  test('leads to no network behind the device, whatever routes say', async () => {
    lab.engine.ip('route add 192.168.77.0/24 dev borealis0');
    lab.device('north').run('sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward');
    expect(await tryTcp(lab.device('north'), GATEWAY_ADDRESS, 80)).toBe('echo');
    await expectRefused(tryTcp(lab.engine, GATEWAY_ADDRESS, 80));
    lab.engine.ip('route del 192.168.77.0/24 dev borealis0');
  });

  test('ends for all of its operators, and is gone from the device; the address stays the device’s', async () => {
    running.hangUp();
    expect(await lab.json<Tunnel>(['tunnel', 'disconnect', 'north'])).toMatchObject({ state: 'down' });
    await lab.event('vpn_tunnel_stop', ({ device }: Event) => device === 'north');
    await expect.poll(() => lab.device('north').run('ip', '-brief', 'link')).not.toContain('borealis');
    await expect.poll(() => tables('north').trim()).toBe('table inet filter');
    expect((await lab.json<Tunnel[]>(['tunnel', 'list'])).map(({ device }) => device)).toEqual(['south']);
    await expectRefused(tryTcp(lab.engine, '10.255.0.2', 22));
    const again = await tunnel('connect', 'north');
    expect(again.virtual_ip).toBe('10.255.0.2');
    expect(again.tunnel_id).not.toBe(north.tunnel_id);
    north = again;
  });

  describe('forwarded to a local port', () => {
    const forward = async (argument: string, device = 'north') => {
      const process = lab.operator(['tunnel', 'forward', device, argument]);
      const port = Number(argument.split(':')[0]);
      const listens = () => lab.engine.run('ss', '-Hltn', 'sport', '=', `:${port}`).includes(`:${port}`);
      await expect.poll(() => !process.running || listens()).toBe(true);
      if (!process.running) throw new Error(process.stderr);
      return process;
    };

    test('carries many connections at once, whole, and each side’s end by itself', async () => {
      const process = await forward('2222:22');
      const told = lab.event('vpn_tunnel_activity', ({ device }) => device === 'north');
      const text = 'Grüße, and a line of text.\n'.repeat(20_000);
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => exchange(lab.engine, '127.0.0.1', 2_222, text, 30_000)),
      );
      for (const answer of answers) expect(answer === text).toBe(true);
      await told;
      await process.kill('SIGINT');
      await expectRefused(tryTcp(lab.engine, '127.0.0.1', 2_222));
    });

    test('or to standard input and output, once', async () => {
      const once = await lab.operator(['tunnel', 'forward', 'north', '-:22'], 'hello').finished;
      expect(once).toMatchObject({ code: 0, stdout: 'hello', stderr: '' });
    });

    test('lets its operator to that port while it is open, and to no other', async () => {
      const theirs = lab.ctlAs(OPERATOR, ['tunnel', 'forward', 'north', '2223:22']);
      const operator = insideAs(lab.engine, OPERATOR);
      await expect.poll(() => tryTcp(operator, '127.0.0.1', 2_223)).toBe('echo');
      await expectRefused(tryTcp(operator, north.virtual_ip!, 47_001));
      await expectRefused(tryTcp(insideAs(lab.engine, STRANGER), north.virtual_ip!, 22));
      await theirs.kill('SIGKILL');
      await expect.poll(() => tryTcp(operator, north.virtual_ip!, 22)).not.toBe('echo');
    });

    test('says that its port is no longer allowed, and works again when it is', async () => {
      const theirs = lab.ctlAs(OPERATOR, ['tunnel', 'forward', 'north', '2225:22']);
      const operator = insideAs(lab.engine, OPERATOR);
      const answer = () => tryTcp(operator, '127.0.0.1', 2_225);
      await expect.poll(answer).toBe('echo');
      await lab.json(['tunnel', 'ports', 'north', '--set', '23']);
      await expectRefused(answer());
      await theirs.until(({ stderr }) => stderr.includes('may not reach that port'), 'the reason');
      await lab.json(['tunnel', 'ports', 'north', '--set', '22']);
      await expect.poll(answer).toBe('echo');
      await theirs.kill('SIGTERM');
    });

    test('is use by an operator: the idle clock begins anew', async () => {
      const process = await forward('2224:22');
      const idleLeft = async () => (await tunnel('status', 'north')).idle_left!;
      // Held open without traffic it runs on.
      const before = await idleLeft();
      await expect.poll(idleLeft).toBeLessThan(before);
      const less = await idleLeft();
      await exchange(lab.engine, '127.0.0.1', 2_224, 'hello');
      await expect.poll(idleLeft).toBeGreaterThan(less);
      await process.kill('SIGTERM');
    });
  });

  test('firewalls of others are there afterwards, and nothing of ours when the engine has ended', async () => {
    await Promise.all(['north', 'south'].map((name) => lab.json(['tunnel', 'disconnect', name])));
    expect(await engine.kill('SIGTERM')).toMatchObject({ code: 0 });
    await expect.poll(() => lab.device('north').run('ip', '-brief', 'link')).not.toContain('borealis');
    for (const of of ['engine', 'north'] as const) expect(tables(of)).toContain('table inet filter');
    await expect.poll(() => tables('engine').trim()).toBe('table inet filter');
    expect(lab.engine.run('ip', '-brief', 'link')).not.toContain('borealis');
    // It ends by itself when its interface is gone; the host's first process may not have buried it yet.
    const alive = () => lab.engine.run('sh', '-c', 'ps -eo stat=,comm= | grep -v ^Z');
    await expect.poll(alive).not.toContain('wireguard');
  });
});
