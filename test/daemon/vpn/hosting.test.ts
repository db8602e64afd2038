/** When a device is told again what it is to hold. */
import { expect, test } from 'vitest';
import { digestText, serviceDigest } from '../../../src/crypto/service-digest.ts';
import { Hosting } from '../../../src/daemon/vpn/hosting.ts';
import type { BastionStateFrame } from '../../../src/protocol/bastion.ts';
import { service } from '../../agent/bastion/device.ts';

const office = service([]);
const digest = serviceDigest(office);
const failed: BastionStateFrame = {
  type: 'BASTION_STATE',
  service: office.id,
  revision: 0,
  state: 'failed',
  error_code: 'SERVICE_KEYS_UNOPENED',
  error: 'its key is none.',
  ha: null,
};
const told = (): Hosting => {
  const hosting = new Hosting({ guid: '5b7d4a4e-51a2-4c43-9d5a-1f6f0f4b8a11', ha: null });
  hosting.digest = digest;
  hosting.sent(3, 1_000);
  return hosting;
};

test('one that could not keep it is told again after a while, not at once: it cannot try by itself', () => {
  const hosting = told();
  hosting.heard(failed);
  expect(hosting.failure).toMatchObject({ code: 'SERVICE_KEYS_UNOPENED' });
  expect([hosting.needs(3, 1_001), hosting.needs(3, 60_000)]).toEqual([false, true]);
});

test('one that keeps it and has not got it to work tries by itself', () => {
  const hosting = told();
  hosting.heard({ ...failed, error_code: 'WG_ROUTE_TAKEN', digest: digestText(digest) });
  expect([hosting.needs(3, 1_001), hosting.needs(3, 60_000)]).toEqual([false, false]);
});

test('one whose files do not open is told at once', () => {
  const hosting = told();
  hosting.ready(2_000);
  hosting.heard({ ...failed, wants_whole: true });
  expect(hosting.needs(3, 2_001)).toBe(true);
});
