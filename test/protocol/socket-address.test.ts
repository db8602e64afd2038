import { expect, test } from 'vitest';
import { socketAddress } from '../../src/protocol/bastion.ts';
import { endpoint } from '../../src/wg/cidr.ts';

test.each(['192.0.2.1:1', '[2001:db8::1]:65535', '[::ffff:192.0.2.1]:7'])('%s is a place', (text) => {
  expect(socketAddress.parse(text)).toBe(text);
});

/** Another device may say so; what WireGuard would be told of it, it would refuse with all the rest. */
test.each([
  '999.1.1.1:7',
  '192.0.2.1:70000',
  '[2001:db8::1:::]:7',
  '[fe80::1%eth0]:7',
  '192.0.2.1:0',
  'host:7',
])('%s is none, nor is it for WireGuard', (text) => {
  expect(() => socketAddress.parse(text)).toThrow();
  expect(() => endpoint(text)).toThrow();
});
