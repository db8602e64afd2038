import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type {
  Allowance,
  FirewallInterface,
  ObservedPeer,
  OutgoingAllowance,
  WantedNetwork,
} from '../../src/wg/types.ts';
import { call, echoServer, insideAs, tryTcp } from '../lab/inside.ts';
import { requires } from '../require.ts';
import { about } from './lab/driver.ts';
import { Namespace } from './lab/namespace.ts';
import { engineInterface, keyPairs, peer } from './lab/wanted.ts';
import { wire } from './lab/wire.ts';

const [engineKeys, aKeys, bKeys, cKeys] = keyPairs(4);
const ENGINE = '10.255.0.1';
const A = '10.255.0.2';
const B = '10.255.0.3';
const tcp = (address: string, port: number): Allowance => ({ address, protocol: 'tcp', port });

describe('a tunnel', requires('root', 'namespaces', 'ip', 'nft', 'wg', 'wireguard-go'), () => {
  let engine: Namespace;
  let a: Namespace;
  let b: Namespace;
  let name: { engine: string; a: string; b: string };

  const onEngine = (
    outgoing: readonly OutgoingAllowance[] | null,
    peers = [peer(aKeys!, A), peer(bKeys!, B)],
  ): WantedNetwork => ({
    interfaces: [engineInterface(name.engine, engineKeys!, peers, { routes: [] })],
    firewall: outgoing && [{ name: name.engine, addresses: [ENGINE], outgoing, incoming: [] }],
  });
  const onDevice = (
    of: 'a' | 'b',
    incoming: readonly Allowance[] | null,
    allowedIps = [`${ENGINE}/32`],
  ): WantedNetwork => {
    const [keys, address, wired] = of === 'a' ? [aKeys!, A, '192.0.2.1'] : [bKeys!, B, '198.51.100.1'];
    const firewall: FirewallInterface[] | null = incoming && [
      { name: name[of], addresses: [address], outgoing: [], incoming },
    ];
    return {
      interfaces: [
        {
          name: name[of],
          privateKey: keys.privateKey,
          addresses: [`${address}/32`],
          routes: allowedIps,
          peers: [
            {
              publicKey: engineKeys!.publicKey,
              endpoint: `${wired}:30000`,
              persistentKeepalive: 25,
              allowedIps,
            },
          ],
        },
      ],
      firewall,
    };
  };
  const seenByEngine = async (publicKey: string): Promise<ObservedPeer | undefined> => {
    const presence = (await engine.observe(name.engine)).interfaces[name.engine];
    if (presence?.state !== 'present') throw new Error('the engine has no interface');
    return presence.interface.peers.find((found) => found.publicKey === publicKey);
  };

  beforeAll(async () => {
    engine = await Namespace.start();
    a = await Namespace.start();
    b = await Namespace.start();
    name = { engine: engine.interfaceName(), a: a.interfaceName(), b: b.interfaceName() };
    wire(engine, '192.0.2.1/24', a, '192.0.2.2/24');
    wire(engine, '198.51.100.1/24', b, '198.51.100.2/24');
    engine.run('sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward');
    await Promise.all([
      echoServer(engine, 80),
      echoServer(a, 22, 23),
      echoServer(b, 22),
      engine.apply(onEngine([tcp(A, 22), tcp(B, 22)])),
    ]);
    await Promise.all([a.apply(onDevice('a', [tcp(ENGINE, 22)])), b.apply(onDevice('b', [tcp(ENGINE, 22)]))]);
  });
  afterAll(() => Promise.all([engine, a, b].map((host) => host?.dispose())));

  test('carries what is allowed, the way it is allowed', async () => {
    expect(await tryTcp(engine, A, 22)).toBe('echo');
    expect(await tryTcp(engine, B, 22)).toBe('echo');
    // Said at once by the engine's own firewall; the device has a server there.
    expect(await tryTcp(engine, A, 23)).toMatch(/^E(HOSTUNREACH|ACCES)$/);
    // A device opens nothing, not even to a port on which the engine listens.
    expect(await tryTcp(a, ENGINE, 80)).not.toBe('echo');
    a.run('nft', 'delete', 'table', 'inet', 'borealis');
    expect(await tryTcp(a, ENGINE, 80)).toBe('silence');
    await a.apply(onDevice('a', [tcp(ENGINE, 22)]));
  });

  test('of one user is closed to another, and open as long as it is said to be', async () => {
    const nobody = insideAs(engine, { user: '65534', group: '65534' });
    const other = insideAs(engine, { user: '65533', group: '65533' });
    const peers = [peer(aKeys!, A), peer(bKeys!, B)];
    await engine.apply(
      onEngine(
        [
          { ...tcp(A, 22), uid: 65_534 },
          { ...tcp(B, 22), uid: 0 },
        ],
        peers,
      ),
    );
    expect(await tryTcp(nobody, A, 22)).toBe('echo');
    expect(await tryTcp(other, A, 22)).toMatch(/^E(HOSTUNREACH|ACCES)$/);
    expect(await tryTcp(engine, A, 22)).toMatch(/^E(HOSTUNREACH|ACCES)$/);
    expect(await tryTcp(engine, B, 22)).toBe('echo');
    const live = await call(nobody, A, 22);
    expect(await live.speak()).toBe(true);
    // Another user's wishes end nothing of this one's.
    await engine.apply(
      onEngine(
        [
          { ...tcp(A, 22), uid: 65_534 },
          { ...tcp(A, 22), uid: 0 },
        ],
        peers,
      ),
    );
    expect(await live.speak()).toBe(true);
    await engine.apply(onEngine([{ ...tcp(B, 22), uid: 0 }], peers));
    expect(await live.speak()).toBe(false);
    live.hangUp();
    await engine.apply(onEngine([tcp(A, 22), tcp(B, 22)]));
  });

  test('is the same interface for wg(8)', () => {
    const shown = engine.run('wg', 'show', name.engine, 'allowed-ips').trim().split('\n').sort();
    const lines = [`${aKeys!.publicKey}\t${A}/32`, `${bKeys!.publicKey}\t${B}/32`];
    expect(shown).toEqual(lines.sort());
    expect(engine.run('wg', 'show', name.engine, 'listen-port').trim()).toBe('30000');
  });

  test('of a peer that does not change lives on while others come, change and go', async () => {
    const live = await call(engine, A, 22);
    expect(await live.speak()).toBe(true);
    const before = await seenByEngine(aKeys!.publicKey);
    expect(before?.lastHandshake).toBeGreaterThan(0);
    const processes = engine.processes();

    const allowed = [tcp(A, 22), tcp(B, 22)];
    const changed = [
      peer(aKeys!, A),
      peer(bKeys!, '10.255.0.9', { persistentKeepalive: 5 }),
      peer(cKeys!, '10.255.0.4'),
    ];
    const steps = await engine.apply(onEngine(allowed, changed));
    expect(JSON.stringify(steps)).not.toContain(aKeys!.publicKey);
    await engine.apply(onEngine(allowed)); // C goes again

    const after = await seenByEngine(aKeys!.publicKey);
    expect(after?.lastHandshake).toBe(before?.lastHandshake);
    expect(after?.endpoint).toBe(before?.endpoint);
    expect(after?.receivedBytes).toBeGreaterThanOrEqual(before!.receivedBytes);
    expect(after?.sentBytes).toBeGreaterThanOrEqual(before!.sentBytes);
    expect(engine.processes()).toEqual(processes);
    expect(await live.speak()).toBe(true);
    // The same session: a new one would have made a new handshake.
    expect((await seenByEngine(aKeys!.publicKey))?.lastHandshake).toBe(before?.lastHandshake);
  });

  test('a port that is taken away ends its live connections, one that is given is open; the tunnel stays', async () => {
    const live = await call(engine, A, 22);
    expect(await live.speak()).toBe(true);
    const steps = await engine.apply(onEngine([tcp(A, 23), tcp(B, 22)]));
    expect(steps.map(({ kind }) => kind)).toEqual(['replace-table']);
    expect(await live.speak()).toBe(false);
    await a.apply(onDevice('a', [tcp(ENGINE, 23)]));
    expect(await tryTcp(engine, A, 23)).toBe('echo');
    await engine.apply(onEngine([tcp(A, 22), tcp(B, 22)]));
    await a.apply(onDevice('a', [tcp(ENGINE, 22)]));
  });

  test('a port that is not allowed is refused by the device too, without a table on the engine', async () => {
    await engine.apply(onEngine(null));
    expect(await tryTcp(engine, A, 22)).toBe('echo');
    expect(await tryTcp(engine, A, 23)).toBe('silence');
    await engine.apply(onEngine([tcp(A, 22), tcp(B, 22)]));
  });

  test('leads to no other device, whatever the devices do', async () => {
    // Both devices drop their firewall and route all of the network into the tunnel; the engine forwards.
    await a.apply(onDevice('a', null, ['10.255.0.0/16']));
    await b.apply(onDevice('b', null, ['10.255.0.0/16']));
    expect(await tryTcp(a, B, 22)).toBe('silence');
    // Nothing else keeps them apart: without the table they meet.
    await engine.apply(onEngine(null));
    expect(await tryTcp(a, B, 22)).toBe('echo');
    await engine.apply(onEngine([tcp(A, 22), tcp(B, 22)]));
    expect(await tryTcp(a, B, 22)).toBe('silence');
  });

  test("its address does not answer to the device's other networks", async () => {
    await a.apply(onDevice('a', [tcp(ENGINE, 22)]));
    engine.run('ip', 'route', 'add', '10.255.0.2/32', 'via', '192.0.2.2', 'metric', '1');
    expect(await tryTcp(engine, A, 22)).toBe('silence');
    engine.run('ip', 'route', 'delete', '10.255.0.2/32', 'via', '192.0.2.2');
    expect(await tryTcp(engine, A, 22)).toBe('echo');
  });

  test('is made again when its process was killed, or hangs', about('wireguard-go'), async () => {
    for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
      const [pid] = engine.processes();
      process.kill(pid!, signal);
      await engine.apply(onEngine([tcp(A, 22), tcp(B, 22)]));
      expect(engine.processes()).toHaveLength(1);
      expect(engine.processes()).not.toContain(pid);
    }
    await a.apply(onDevice('a', [tcp(ENGINE, 22)]));
  });
});
