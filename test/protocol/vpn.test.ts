import { expect, test } from 'vitest';
import { vpnEndpoint } from '../../src/protocol/vpn.ts';

test.each([
  ['foo', 'must be HOST:PORT'],
  ['vpn.example.org:70000', 'the port must be at most 65535'],
  ['10.0.0.300:51820', 'the host is no name and no address'],
])('the endpoint %s has one mistake, and it is told once', (text, sentence) => {
  const { error } = vpnEndpoint.safeParse(text);
  expect(error?.issues.map(({ message }) => message)).toEqual([sentence]);
});

test.each(['vpn.example.org:51820', '203.0.113.5:1', '[2001:db8::1]:51820'])('%s is an endpoint', (text) =>
  expect(vpnEndpoint.safeParse(text).success).toBe(true),
);
