import { BlockList } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAllow } from '../../../src/daemon/vpn/allow.ts';
import {
  nextAddress,
  numberOf,
  overlap,
  ownAddress,
  parseNetwork,
  textOf,
} from '../../../src/wg/addresses.ts';

const net = (text: string) => parseNetwork(text, 'pool');

test.each([
  ['10.8.0.0/24', 10n * 2n ** 24n + 8n * 2n ** 16n, 256n],
  ['0.0.0.0/0', 0n, 2n ** 32n],
  ['fd00:8::/64', 0xfd00_0008n << 96n, 2n ** 64n],
  ['::ffff:192.0.2.0/120', (0xffffn << 32n) | 0xc0000200n, 256n],
])('%s', (text, first, size) => {
  const network = net(text);
  expect([network.first, network.last - network.first + 1n]).toEqual([first, size]);
});

test('a host is no network, and the right one is named', () => {
  expect(() => net('10.8.0.5/24')).toThrow('pool 10.8.0.5/24 is no network: it would be 10.8.0.0/24.');
  expect(() => net('fd00::1/64')).toThrow('fd00::/64');
});

test('numbers and texts of addresses are the same thing', () => {
  fc.assert(fc.property(fc.ipV4(), (address) => textOf(numberOf(address), 4) === address));
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
      (value) => numberOf(textOf(value, 6)) === value,
    ),
  );
  fc.assert(
    fc.property(fc.ipV6(), (address) => numberOf(textOf(numberOf(address), 6)) === numberOf(address)),
  );
});

test('overlap is what Node says of the addresses at their ends', () => {
  const networks = fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map(([address, length]) => {
    const bits = BigInt(32 - length);
    return net(`${textOf((numberOf(address) >> bits) << bits, 4)}/${length}`);
  });
  const holds = (outer: string, length: number, inner: bigint): boolean => {
    const list = new BlockList();
    list.addSubnet(outer, length, 'ipv4');
    return list.check(textOf(inner, 4));
  };
  fc.assert(
    fc.property(networks, networks, (a, b) => {
      const [address = '', length = ''] = a.text.split('/');
      const [other = '', otherLength = ''] = b.text.split('/');
      const touches =
        holds(address, Number(length), b.first) ||
        holds(address, Number(length), b.last) ||
        holds(other, Number(otherLength), a.first);
      return overlap(a, b) === touches;
    }),
  );
  expect(overlap(net('0.0.0.0/0'), net('::/0'))).toBe(false);
});

describe('addresses are given out once', () => {
  test('the first is the service’s own; none comes twice, the broadcast address never', () => {
    const pool = net('192.0.2.0/29');
    expect(textOf(ownAddress(pool), 4)).toBe('192.0.2.1');
    const given: string[] = [];
    let last: bigint | null = null;
    for (;;) {
      try {
        last = nextAddress(pool, last);
        given.push(textOf(last, 4));
      } catch (error) {
        expect(error).toMatchObject({ code: 'POOL_USED_UP' });
        break;
      }
    }
    expect(given).toEqual(['192.0.2.2', '192.0.2.3', '192.0.2.4', '192.0.2.5', '192.0.2.6']);
  });

  test('IPv6 has no broadcast address', () => {
    const pool = net('fd00::/126');
    expect(textOf(nextAddress(pool, numberOf('fd00::2')), 6)).toBe('fd00::3');
    expect(() => nextAddress(pool, numberOf('fd00::3'))).toThrow();
  });
});

describe('what a connection may reach', () => {
  test.each([
    ['10.0.0.0/8', null, null],
    ['10.0.0.0/8:*', ['tcp', 'udp'], null],
    ['10.0.0.0/8:443', ['tcp', 'udp'], { from: 443, to: 443 }],
    ['10.0.0.0/8:8000-8080/tcp', ['tcp'], { from: 8000, to: 8080 }],
    ['fd00::/64:53/udp', ['udp'], { from: 53, to: 53 }],
  ])('%s', (text, protocols, ports) => expect(parseAllow(text)).toMatchObject({ protocols, ports }));

  test.each([
    '10.0.0.1/8',
    '10.0.0.0/33',
    '10.0.0.0',
    '10.0.0.0/8:0',
    '10.0.0.0/8:80-70',
    '10.0.0.0/8:70000',
    'x/8',
  ])('%s is refused', (text) =>
    expect(() => parseAllow(text)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' })),
  );
});
