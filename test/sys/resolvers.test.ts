import { expect, test } from 'vitest';
import { parseResolvers } from '../../src/sys/resolvers.ts';

test('resolvers are told from all else that resolv.conf(5) has', () => {
  const text = [
    '# nameserver 192.0.2.9',
    'search example.org',
    'nameserver 10.255.0.53',
    '\tnameserver\tfe80::1%eth0',
    'nameserver 2001:db8::53 ',
    'options nameserver',
    'nameserver',
  ].join('\n');
  expect(parseResolvers(text)).toEqual(['10.255.0.53', 'fe80::1', '2001:db8::53']);
});
