import { describe, expect, test } from 'vitest';
import { diff as diffOf } from '../../src/wg/diff.ts';
import type {
  ObservedInterface,
  ObservedNetwork,
  ObservedPeer,
  WantedNetwork,
  WantedPeer,
} from '../../src/wg/types.ts';
import { checkWanted } from '../../src/wg/wanted.ts';
import { engineInterface, keyPairs, peer } from './lab/wanted.ts';

const [own, a, b, c] = keyPairs(4);
const NAME = 'borealis0';

const observedPeer = (
  { publicKey, allowedIps }: WantedPeer,
  rest: Partial<ObservedPeer> = {},
): ObservedPeer => ({
  publicKey,
  presharedKeyDigest: null,
  endpoint: '192.0.2.9:9',
  lastHandshake: 1,
  receivedBytes: 2,
  sentBytes: 3,
  persistentKeepalive: 0,
  allowedIps,
  ...rest,
});
const observed = (
  peers: readonly ObservedPeer[],
  rest: Partial<ObservedInterface> = {},
): ObservedNetwork => ({
  interfaces: new Map([
    [
      NAME,
      {
        state: 'present',
        interface: {
          driver: 'kernel',
          publicKey: own!.publicKey,
          listenPort: 30_000,
          up: true,
          mtu: 1_380,
          addresses: ['10.255.0.1/16'],
          routes: ['10.254.0.0/24'],
          peers,
          ...rest,
        },
      },
    ],
  ]),
  table: undefined,
});
const diff = (of: WantedNetwork, is: ObservedNetwork) => diffOf(of, is, 'borealis');
const wanted = (...peers: WantedPeer[]): WantedNetwork =>
  checkWanted({ interfaces: [engineInterface(NAME, own!, peers)] });

describe('the difference', () => {
  test('is nothing where all is as wanted, whatever the counters and learned endpoints', () => {
    expect(diff(wanted(peer(a!, '10.255.0.2')), observed([observedPeer(peer(a!, '10.255.0.2'))]))).toEqual(
      [],
    );
  });

  test('names only the peers that differ', () => {
    const is = observed([observedPeer(peer(a!, '10.255.0.2')), observedPeer(peer(b!, '10.255.0.3'))]);
    const changed = peer(b!, '10.255.0.3', { persistentKeepalive: 25 });
    const steps = diff(wanted(peer(a!, '10.255.0.2'), changed, peer(c!, '10.255.0.4')), is);
    expect(steps).toMatchObject([
      {
        kind: 'configure-device',
        change: { peers: [{ publicKey: b!.publicKey }, { publicKey: c!.publicKey }] },
      },
    ]);
    expect(JSON.stringify(steps)).not.toContain(a!.publicKey);
    expect(JSON.stringify(steps)).not.toContain(own!.privateKey);
  });

  test('takes an address from one peer, then changes the firewall, then gives it to another', () => {
    const is = { ...observed([observedPeer(peer(a!, '10.255.0.2'))]), table: null };
    const steps = diff({ ...wanted(peer(b!, '10.255.0.2')), firewall: [] }, is);
    expect(steps.map(({ kind }) => kind)).toEqual(['narrow-device', 'replace-table', 'configure-device']);
  });

  test('takes only what goes from a peer that keeps the rest', () => {
    const is = observed([
      observedPeer({ ...peer(a!, '10.255.0.2'), allowedIps: ['10.255.0.2/32', '10.255.0.3/32'] }),
    ]);
    const both = { ...peer(a!, '10.255.0.2'), allowedIps: ['10.255.0.3/32', '10.255.0.4/32'] };
    expect(diff(wanted(both), is)).toMatchObject([
      { kind: 'narrow-device', change: { remove: [], peers: [{ allowedIps: ['10.255.0.3/32'] }] } },
      { kind: 'configure-device', change: { peers: [{ allowedIps: ['10.255.0.3/32', '10.255.0.4/32'] }] } },
    ]);
  });

  test('leaves alone what is undefined', () => {
    const nothing = checkWanted({ interfaces: [{ name: NAME, privateKey: own!.privateKey }] });
    expect(diff(nothing, observed([observedPeer(peer(a!, '10.255.0.2'))]))).toEqual([]);
  });

  test('of ten thousand peers of which one has changed is that one', () => {
    const many = Array.from({ length: 10_000 }, (_, index): WantedPeer => {
      const bytes = Buffer.alloc(32);
      bytes.writeUInt32LE(index + 1, 0);
      return {
        publicKey: bytes.toString('base64'),
        allowedIps: [`10.255.${index >> 8}.${index & 255}/32`],
        persistentKeepalive: 25,
      };
    });
    const is = observed(many.map((of) => observedPeer(of, { persistentKeepalive: 25 })));
    const steps = diff(wanted(...many.with(5_000, { ...many[5_000]!, persistentKeepalive: 0 })), is);
    expect(steps).toMatchObject([
      { kind: 'configure-device', change: { peers: [{ publicKey: many[5_000]!.publicKey }] } },
    ]);
  });
});

describe('what is wanted is refused where', () => {
  const one = engineInterface(NAME, own!, []);
  test.each<[string, WantedNetwork]>([
    ['a name could be an option', { interfaces: [{ ...one, name: '-h' }] }],
    ['a name could end a line', { interfaces: [{ ...one, name: 'a\nlink' }] }],
    ['a name is too long', { interfaces: [{ ...one, name: 'a'.repeat(16) }] }],
    ['two have one name', { interfaces: [one, one] }],
    ['a key is none', { interfaces: [{ ...one, privateKey: 'x' }] }],
    [
      'two peers have one key',
      { interfaces: [{ ...one, peers: [peer(a!, '10.0.0.1'), peer(a!, '10.0.0.2')] }] },
    ],
    [
      'two peers have one address',
      { interfaces: [{ ...one, peers: [peer(a!, '10.0.0.1'), peer(b!, '10.0.0.1')] }] },
    ],
    [
      'an endpoint is a name',
      { interfaces: [{ ...one, peers: [peer(a!, '10.0.0.1', { endpoint: 'host:1' })] }] },
    ],
    [
      'an endpoint has a line more',
      { interfaces: [{ ...one, peers: [peer(a!, '10.0.0.1', { endpoint: '10.0.0.1:1\nremove=true' })] }] },
    ],
    ['an address is none', { interfaces: [{ ...one, addresses: ['10.0.0.1/33'] }] }],
    ['a route has a command', { interfaces: [{ ...one, routes: ['10.0.0.0/8 via 1.1.1.1'] }] }],
    ['a port is none', { interfaces: [{ ...one, listenPort: 65_536 }] }],
    [
      'a rule has more than a port',
      { firewall: [{ name: NAME, addresses: ['10.0.0.1; }'], outgoing: [], incoming: [] }] },
    ],
  ])('%s', (_, network) => {
    expect(() => checkWanted(network)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
  });

  test('and brought into the spelling in which it is observed', () => {
    const checked = checkWanted({
      interfaces: [{ ...one, addresses: ['FD00:0:0::1/64'], routes: ['10.1.2.3/8', 'fd00:1::ff/32'] }],
    });
    expect(checked.interfaces?.[0]).toMatchObject({
      addresses: ['fd00::1/64'],
      routes: ['10.0.0.0/8', 'fd00:1::/32'],
    });
  });
});
