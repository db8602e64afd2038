import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { digestOf, generateKeyPair } from '../../src/wg/keys.ts';
import { parseErrno, parseGet, renderSet } from '../../src/wg/uapi.ts';

const HEX = '11'.repeat(32);
const KEY = Buffer.from(HEX, 'hex').toString('base64');
const NONE = '0'.repeat(64);

describe('a set request', () => {
  test.each([
    ['of nothing', {}, ['set=1']],
    ['of a port', { listenPort: 30_000 }, ['set=1', 'listen_port=30000']],
    ['that removes', { remove: [KEY] }, ['set=1', `public_key=${HEX}`, 'remove=true']],
    [
      'of a peer as it is wanted',
      {
        privateKey: KEY,
        peers: [
          {
            publicKey: KEY,
            presharedKey: KEY,
            endpoint: '192.0.2.1:1',
            persistentKeepalive: 0,
            allowedIps: ['10.0.0.1/32', 'fd00::/64'],
          },
        ],
      },
      [
        'set=1',
        `private_key=${HEX}`,
        `public_key=${HEX}`,
        `preshared_key=${HEX}`,
        'endpoint=192.0.2.1:1',
        'persistent_keepalive_interval=0',
        'replace_allowed_ips=true',
        'allowed_ip=10.0.0.1/32',
        'allowed_ip=fd00::/64',
      ],
    ],
    [
      'leaves alone what is undefined, and takes away what is null',
      { peers: [{ publicKey: KEY, presharedKey: null, allowedIps: [] }] },
      ['set=1', `public_key=${HEX}`, `preshared_key=${NONE}`, 'replace_allowed_ips=true'],
    ],
  ])('%s', (_, change, lines) => {
    expect(renderSet(change)).toBe(`${lines.join('\n')}\n\n`);
  });
});

describe('the answer to get', () => {
  test('of an interface that was only just made', () => {
    const device = { publicKey: null, listenPort: 48_702, peers: [] };
    expect(parseGet('listen_port=48702\nerrno=0\n\n')).toEqual(device);
  });

  test('holds no secret once it is parsed, and passes over keys of newer versions', () => {
    const { privateKey, publicKey } = generateKeyPair();
    const hex = (key: string) => Buffer.from(key, 'base64').toString('hex');
    const parsed = parseGet(
      `private_key=${hex(privateKey)}\nlisten_port=5555\nfwmark=1\npublic_key=${HEX}\npreshared_key=${hex(privateKey)}\n` +
        'protocol_version=1\nendpoint=[2001:db8::1]:5\nlast_handshake_time_sec=17\nlast_handshake_time_nsec=5\n' +
        'tx_bytes=3\nrx_bytes=4\npersistent_keepalive_interval=25\nallowed_ip=10.0.0.1/32\nallowed_ip=fd00::/64\n' +
        `new_thing=x=y\npublic_key=${hex(publicKey)}\npreshared_key=${NONE}\nlast_handshake_time_sec=0\nerrno=0\n\n`,
    );
    expect(parsed).toEqual({
      publicKey,
      listenPort: 5_555,
      peers: [
        {
          publicKey: KEY,
          presharedKeyDigest: digestOf(privateKey),
          endpoint: '[2001:db8::1]:5',
          lastHandshake: 17,
          receivedBytes: 4,
          sentBytes: 3,
          persistentKeepalive: 25,
          allowedIps: ['10.0.0.1/32', 'fd00::/64'],
        },
        {
          publicKey,
          presharedKeyDigest: null,
          endpoint: null,
          lastHandshake: null,
          receivedBytes: 0,
          sentBytes: 0,
          persistentKeepalive: 0,
          allowedIps: [],
        },
      ],
    });
    expect(JSON.stringify(parsed)).not.toContain(privateKey);
  });

  test.each([
    ['is cut short', 'listen_port=1\n'],
    ['is an error', 'errno=-22\n\n'],
    ['has a peer’s line before the first peer', 'allowed_ip=10.0.0.1/32\nerrno=0\n\n'],
    ['has half a key', 'public_key=1234\nerrno=0\n\n'],
    ['has a number that is none', 'listen_port=many\nerrno=0\n\n'],
  ])('is refused where it %s', (_, answer) => {
    expect(() => parseGet(answer)).toThrow(expect.objectContaining({ code: 'COMMAND_FAILED' }));
  });

  test('whatever it is, is parsed or refused with a code, and never shown', () => {
    const line = fc.oneof(
      fc.string(),
      fc.constantFrom(`private_key=${HEX}`, `public_key=${HEX}`, `preshared_key=${HEX}`, 'endpoint='),
      fc
        .tuple(fc.constantFrom('rx_bytes', 'listen_port', 'allowed_ip'), fc.string())
        .map((pair) => pair.join('=')),
    );
    fc.assert(
      fc.property(fc.array(line), fc.boolean(), (lines, whole) => {
        try {
          parseGet([...lines, ...(whole ? ['errno=0', '', ''] : [])].join('\n'));
        } catch (error) {
          expect(error).toMatchObject({ code: 'COMMAND_FAILED' });
          expect(String(error)).not.toContain(HEX);
        }
      }),
    );
  });

  test('ends with a number', () => {
    expect(parseErrno('errno=0\n\n')).toBe(0);
    expect(parseErrno('a=b\nerrno=-98\n\n')).toBe(-98);
    expect(() => parseErrno('xerrno=0\n\n')).toThrow();
  });
});
