/**
 * Two services with pairs of their own on the same two devices, one of them at an IPv6 address and made on a device from
 * the first; what their clients are told, and what passes through them. The tests follow one another.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HaPair } from '../../src/protocol/ha.ts';
import type { Connection, VpnService } from '../../src/protocol/vpn.ts';
import { generateKeyPair } from '../../src/wg/keys.ts';
import { until } from '../daemon/agents.ts';
import { requires } from '../require.ts';
import { Host } from './host.ts';
import { echoServer, exchange } from './inside.ts';
import { LAB_NEEDS, Lab } from './lab.ts';
import { plug } from './network.ts';
import { tryUdp, udpEcho } from './vpn-network.ts';

const SIX = 'fd77::50';
const FOUR = '192.168.77.51';
const INNER = '192.168.5.2';
const NODES = ['north', 'south'] as const;
/** Seconds: a machine that is busy with other tests does not move the address. */
const LEASE = ['--lease', '5'];
type NodeName = (typeof NODES)[number];
/** Echoes on the network behind. */
const [TCP, UDP] = [80, 53];
const LATER = generateKeyPair().publicKey;
const SOON = { timeout: 30_000, interval: 200 };
const LONG = { timeout: 90_000 };

describe('two pairs on two devices', requires(...LAB_NEEDS, 'wg-quick'), () => {
  let lab: Lab;
  let inner: Host;
  let client: Host;
  const ha = <T = HaPair>(...args: string[]): Promise<T> => lab.json<T>(['ha', ...args]);
  const holders = (address: string): NodeName[] =>
    NODES.filter((name) => lab.device(name).run('ip', '-br', 'address').includes(`${address}/`));
  const well = (vpn: string) => until(async () => (await ha('show', vpn)).state === 'ok');
  const connect = async (vpn: string): Promise<string> => {
    await lab.json<Connection>(['connection', 'add', vpn, 'ada', '--psk']);
    const file = lab.path(`${vpn}.conf`);
    await lab.json(['connection', 'config', vpn, 'ada', '--file', file]);
    client.run('wg-quick', 'up', file);
    return readFileSync(file, 'utf8');
  };
  const passes = async (): Promise<void> => {
    await expect.poll(() => tryUdp(client, INNER, UDP, 100), SOON).toBe('echo');
  };

  beforeAll(async () => {
    lab = await Lab.start([...NODES, 'client']);
    client = lab.device('client');
    inner = await Host.start('inner');
    inner.ip('link add net type bridge', `address add ${INNER}/24 dev net`, 'link set net up');
    for (const [index, name] of NODES.entries())
      plug(inner, 'net', `p-${name}`, lab.device(name), 'eth1', `192.168.5.${10 + index}/24`);
    for (const [index, name] of [...NODES, 'client'].entries())
      lab.device(name).ip(`address add fd77::1${index}/64 dev eth0 nodad`);
    await Promise.all([echoServer(inner, TCP), udpEcho(inner, UDP)]);
    await lab.startEngine();
    await Promise.all(NODES.map((name) => lab.startDevice(name)));
  }, 120_000);
  afterAll(async () => {
    await inner?.end();
    await lab?.dispose();
  });

  test('one that was made on a device gets a floating address of IPv6', LONG, async () => {
    const made = await lab.json<VpnService>([
      ...['vpn', 'create', 'six', '--node', 'north', '--endpoint', `[${SIX}]:51820`],
      ...[
        '--pool',
        '10.6.0.0/24',
        '--pool6',
        'fd00:6::/64',
        '--local-subnet',
        '192.168.5.0/24',
        '--masquerade',
      ],
    ]);
    expect(made).toMatchObject({ node: 'north', phase: 'up' });
    const pair = await ha(
      'enable',
      'six',
      '--primary',
      'north',
      '--standby',
      'south',
      '--address',
      `${SIX}/64`,
      ...LEASE,
    );
    expect(pair).toMatchObject({ state: 'ok', holder: 'north', address: `${SIX}/64` });
    expect(holders(SIX)).toEqual(['north']);
    const kernel = lab.device('north').run('ip', '-6', 'address', 'show', 'dev', 'eth0');
    // It ends by itself, and nothing is sent from it unasked: deprecated (RFC 4862).
    expect(kernel).toMatch(new RegExp(`inet6 ${SIX}/128 .*deprecated[^\\n]*\\n\\s+valid_lft [1-9]\\d?sec`));
  });

  test('its client is told that address, and gets through it', LONG, async () => {
    const text = await connect('six');
    expect(text).toContain(`Endpoint = [${SIX}]:51820`);
    expect(text).toContain('MTU = 1420');
    await passes();
    expect(client.run('wg', 'show', 'six', 'endpoints')).toContain(`[${SIX}]:51820`);
  });

  test('a large transfer and a large datagram pass', LONG, async () => {
    const text = 'Grüße, and a line of text.\n'.repeat(100_000);
    expect((await exchange(client, INNER, TCP, text, 30_000)) === text).toBe(true);
    expect(await tryUdp(client, INNER, UDP, 8_000)).toBe('echo');
  });

  test('it is handed over and back, with its client', LONG, async () => {
    for (const to of ['south', 'north'] as const) {
      await well('six');
      expect(await ha('switch', 'six')).toMatchObject({ holder: to });
      expect(holders(SIX)).toEqual([to]);
      await passes();
    }
  });

  test('a second one beside it has an address, a port and a key of its own', LONG, async () => {
    await lab.json([
      ...['vpn', 'create', 'four', '--endpoint', `${FOUR}:51821`, '--pool', '10.4.0.0/24'],
      ...['--dns', '192.168.5.3', '--mtu', '1300'],
    ]);
    const pair = await ha(
      'enable',
      'four',
      '--primary',
      'south',
      '--standby',
      'north',
      '--address',
      `${FOUR}/24`,
      ...LEASE,
    );
    expect(pair).toMatchObject({ state: 'ok', holder: 'south' });
    const other = await ha('show', 'six');
    const ports = [pair, other].flatMap(({ nodes }) =>
      nodes.map(({ endpoint }) => endpoint?.split(':').at(-1)),
    );
    expect(new Set(ports).size).toBe(2);
    await lab.json(['connection', 'add', 'four', 'bob']);
    const text = await lab.json<{ config: string }>(['connection', 'config', 'four', 'bob']);
    expect(text.config).toContain(`Endpoint = ${FOUR}:51821`);
    expect(text.config).toContain('DNS = 192.168.5.3');
    expect(text.config).toContain('MTU = 1300');
    expect([holders(SIX), holders(FOUR)]).toEqual([['north'], ['south']]);
  });

  test('one is handed over, and the other one stays where it is', LONG, async () => {
    await well('four');
    expect(await ha('switch', 'four')).toMatchObject({ holder: 'north' });
    expect([holders(SIX), holders(FOUR)]).toEqual([['north'], ['north']]);
    await well('six');
    expect(await ha('switch', 'six')).toMatchObject({ holder: 'south' });
    expect([holders(SIX), holders(FOUR)]).toEqual([['south'], ['north']]);
    await passes();
  });

  test('both are as they were when a backup comes back that has other keys of theirs', {
    timeout: 180_000,
  }, async () => {
    const [file, secret] = [lab.path('borealis.backup'), lab.path('passphrase')];
    writeFileSync(secret, 'a long enough passphrase\n', { mode: 0o600 });
    await lab.json(['backup', 'create', file, '--passphrase-file', secret]);
    // Another pair in place of the first, with another key.
    await lab.json(['ha', 'disable', 'six', '--yes']);
    await ha('enable', 'six', '--primary', 'north', '--standby', 'south', '--address', `${SIX}/64`, ...LEASE);
    expect(holders(SIX)).toEqual(['north']);
    const later = await lab.json<Connection>(['connection', 'add', 'six', 'later', '--public-key', LATER]);
    const peers = (name: NodeName) => lab.device(name).run('wg', 'show', 'bvpn0', 'peers');
    for (const name of NODES) await until(() => peers(name).includes(later.public_key!));

    await lab.json(['backup', 'restore', file, '--passphrase-file', secret, '--yes']);
    await Promise.all(['six', 'four'].map(well));
    for (const name of NODES) await until(() => !peers(name).includes(later.public_key!));
    await passes();
    const holder = (await ha('show', 'six')).holder;
    expect(holders(SIX)).toEqual([holder]);
    await ha('switch', 'six');
    expect(holders(SIX)).toEqual(NODES.filter((name) => name !== holder));
    await passes();
  });

  test('the one that was made on a device is there again when its pair is taken apart', LONG, async () => {
    await lab.json(['ha', 'disable', 'six', '--yes']);
    expect(holders(SIX)).toEqual([]);
    await until(async () => (await lab.json<VpnService>(['vpn', 'show', 'six'])).phase === 'up');
    expect(await lab.json(['vpn', 'show', 'six'])).toMatchObject({ node: 'north' });
    await until(() => !lab.device('south').run('ip', '-br', 'link').includes('bvpn0'));
    expect(await ha('show', 'four')).toMatchObject({ state: 'ok', holder: 'north' });
  });
});
