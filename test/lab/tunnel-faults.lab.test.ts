/** What networks and machines do to a tunnel, and that a TCP connection through it outlives that. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Tunnel } from '../../src/protocol/tunnel.ts';
import { requires } from '../require.ts';
import { type Call, call, echoServer, exchange, tryTcp } from './inside.ts';
import { LAB_NEEDS, Lab } from './lab.ts';
import { ROUTER_ADDRESS } from './network.ts';
import type { Process } from './processes.ts';
import { loseWireGuard, wireGuardOf } from './wireguard-process.ts';

/** Milliseconds for what must heal by itself: bounds, no measures. */
const HEALING = { interval: 100 };
/** Whoever speaks into what is broken speaks again after 0.2, 0.4 … 12.8, 25.6 s: what healed after 26 s is heard after 51. */
const HEARD = 90_000;

describe('a tunnel outlives', requires(...LAB_NEEDS), () => {
  let lab: Lab;
  let engine: Process;
  let agent: Process;
  let running: Call;
  const DEVICE_ENV = { BOREALIS_AGENT_FINGERPRINT: 'north' };
  const status = () => lab.json<Tunnel>(['tunnel', 'status', 'north']);
  const transport = async () => (await status()).transport;
  const isUp = async () => (await status()).state === 'up';

  beforeAll(async () => {
    lab = await Lab.start(['north']);
    engine = await lab.startEngine();
    agent = await lab.startDevice('north');
    await echoServer(lab.device('north'), 22);
    const { virtual_ip, transport } = await lab.json<Tunnel>(['tunnel', 'connect', 'north']);
    expect(transport).toBe('udp');
    running = await call(lab.engine, virtual_ip!, 22);
  });
  afterAll(() => lab?.dispose());

  test('UDP that is dropped: the same tunnel goes on through the agent channel, and returns when that works again', async () => {
    const { tunnel_id } = await status();
    lab.network.dropUdp();
    await expect.poll(transport, HEALING).toBe('relay');
    expect(await running.speak(HEARD)).toBe(true);
    const text = 'x'.repeat(1_000_000);
    expect((await exchange(lab.engine, '10.255.0.2', 22, text, 30_000)) === text).toBe(true);
    expect(await status()).toMatchObject({ tunnel_id, state: 'up' });
    lab.network.heal();
    await expect.poll(transport, HEALING).toBe('udp');
    expect(await running.speak(HEARD)).toBe(true);
    expect((await status()).tunnel_id).toBe(tunnel_id);
  });

  test('packets that are lost', async () => {
    lab.network.lose(5);
    for (let word = 0; word < 5; word += 1) expect(await running.speak(HEARD)).toBe(true);
    const text = 'y'.repeat(100_000);
    expect((await exchange(lab.engine, '10.255.0.2', 22, text, 30_000)) === text).toBe(true);
    lab.network.heal();
  });

  test('a cable that is out for a while', async () => {
    lab.network.cut('north');
    expect(await running.speak(3_000)).toBe(false);
    lab.network.restore('north');
    expect(await running.speak(HEARD)).toBe(true);
  });

  test('another address of the device, and of the router before it', async () => {
    lab.network.readdress('north');
    expect(await running.speak(HEARD)).toBe(true);
    lab.network.readdressRouter();
    expect(await running.speak(HEARD)).toBe(true);
    await expect.poll(isUp, HEALING).toBe(true);
  });

  test('its agent, killed: a new one takes the tunnel over, and makes no second one', async () => {
    await agent.kill('SIGKILL');
    agent = lab.agent('north', ['run'], DEVICE_ENV);
    await agent.until(({ stderr }) => stderr.includes('"msg":"connected"'), 'connected');
    await lab.json(['tunnel', 'connect', 'north']);
    await expect.poll(isUp, HEALING).toBe(true);
    await expect.poll(() => tryTcp(lab.engine, '10.255.0.2', 22), HEALING).toBe('echo');
    expect(await running.speak(HEARD)).toBe(true);
    const interfaces = lab.device('north').run('wg', 'show', 'interfaces').trim().split(/\s+/);
    expect(interfaces).toEqual(['borealis1']);
  });

  test('its engine, killed: the next one heals it, without the device being asked again', async () => {
    await engine.kill('SIGKILL');
    expect(await running.speak()).toBe(true);
    engine = await lab.startEngine();
    await expect.poll(isUp, HEALING).toBe(true);
    expect(await tryTcp(lab.engine, '10.255.0.2', 22)).toBe('echo');
    expect(await running.speak(HEARD)).toBe(true);
  });

  test('its engine, stopped and started: its WireGuard is another one, and the device is heard by it at once', async () => {
    await engine.kill('SIGTERM');
    expect(lab.engine.run('ip', '-brief', 'link')).not.toContain('borealis0');
    engine = await lab.startEngine();
    // Left to WireGuard it would take a minute or two, and whoever asks for a tunnel waits for twenty seconds.
    expect(await lab.json<Tunnel>(['tunnel', 'connect', 'north'])).toMatchObject({ state: 'up' });
    expect(await running.speak(HEARD)).toBe(true);
  });

  test.each([
    ['engine', 'borealis0'],
    ['device', 'borealis1'],
  ])(
    'the end of the %s’s WireGuard alone: it has another one within seconds; nothing leaves in clear meanwhile',
    async (end, name) => {
      const { router } = lab.network;
      const host = end === 'engine' ? lab.engine : lab.device('north');
      const leaks = ['saddr', 'daddr'].map((side) => `ip ${side} 10.255.0.0/16 counter`);
      router.nft(
        `table ip leaks { chain seen { type filter hook prerouting priority -400; ${leaks.join('; ')}; }; }`,
      );
      if (end === 'engine') host.ip(`route add default via ${ROUTER_ADDRESS}`);
      try {
        const { tunnel_id } = await status();
        loseWireGuard(host, name);
        // By the default route, now.
        const far = end === 'engine' ? '10.255.0.2' : '10.255.0.1';
        expect(await tryTcp(host, far, 22)).not.toBe('ECONNREFUSED');
        expect(await running.speak(HEARD)).toBe(true);
        await expect.poll(status, HEALING).toMatchObject({ tunnel_id, state: 'up' });
        expect(await tryTcp(lab.engine, '10.255.0.2', 22)).toBe('echo');
        const seen = router.run('nft', 'list', 'table', 'ip', 'leaks');
        expect(seen.match(/packets \d+/g)).toEqual(['packets 0', 'packets 0']);
      } finally {
        router.nft('delete table ip leaks');
        if (end === 'engine') host.ip('route delete default');
      }
    },
    300_000,
  );

  test('the end of all tables of nftables, which are there again: nobody gets where nobody may', async () => {
    const [closed, tables] = [8_080, ['nft', 'list', 'tables'] as const];
    await echoServer(lab.device('north'), closed);
    for (const [host, name] of [
      [lab.engine, 'borealis0'],
      [lab.device('north'), 'borealis1'],
    ] as const) {
      host.run('nft', 'flush', 'ruleset');
      await expect.poll(() => host.run(...tables), HEALING).toContain(`table inet ${name}`);
    }
    expect(await tryTcp(lab.engine, '10.255.0.2', closed)).not.toBe('echo');
    expect(await running.speak(HEARD)).toBe(true);
  });

  test('a WireGuard that hangs, on either side', async () => {
    const ends = [
      [lab.engine, 'borealis0'],
      [lab.device('north'), 'borealis1'],
    ] as const;
    for (const [host, name] of ends) {
      const hung = wireGuardOf(host, name);
      if (hung === '') continue; // the kernel has it
      host.run('kill', '-STOP', hung);
      await expect.poll(() => wireGuardOf(host, name), HEALING).not.toMatch(new RegExp(`^(${hung})?$`));
      expect(await running.speak(HEARD)).toBe(true);
    }
  });

  test('the end of either WireGuard where UDP is blocked', async () => {
    lab.network.dropUdp();
    await expect.poll(transport, HEALING).toBe('relay');
    loseWireGuard(lab.engine, 'borealis0');
    expect(await running.speak(HEARD)).toBe(true);
    loseWireGuard(lab.device('north'), 'borealis1');
    expect(await running.speak(HEARD)).toBe(true);
    await expect.poll(transport, HEALING).toBe('relay');
    lab.network.heal();
    await expect.poll(transport, HEALING).toBe('udp');
  });

  test('and when it is closed while the engine is away, the device is left with nothing', async () => {
    running.hangUp();
    await lab.json(['tunnel', 'disconnect', 'north']);
    await expect
      .poll(() => lab.device('north').run('ip', '-brief', 'link'), HEALING)
      .not.toContain('borealis');
  });
});

describe('a tunnel where UDP never worked', requires(...LAB_NEEDS), () => {
  test('is up through the agent channel from its beginning', async () => {
    const lab = await Lab.start(['north']);
    try {
      lab.network.dropUdp();
      await lab.startEngine();
      await lab.startDevice('north');
      await echoServer(lab.device('north'), 22);
      const tunnel = await lab.json<Tunnel>(['tunnel', 'connect', 'north']);
      expect(tunnel).toMatchObject({ state: 'up', transport: 'relay' });
      expect(await tryTcp(lab.engine, tunnel.virtual_ip!, 22)).toBe('echo');
    } finally {
      await lab.dispose();
    }
  });
});
