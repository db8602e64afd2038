/** Clients of a pair that are called: for a while, and then no more, whatever fails meanwhile. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { HaPart } from '../../../src/agent/bastion/hosted-parts.ts';
import type { DutyService } from '../../../src/agent/ha/duty-parts.ts';
import type { HostedHa } from '../../../src/protocol/bastion.ts';
import { BorealisError } from '../../../src/protocol/errors.ts';
import { client, Device, GUID, hold, ONE, SLOW, service } from './device.ts';

const ha: HostedHa = {
  address: '192.0.2.10/24',
  interface: null,
  self: GUID,
  other: '0f1d4a4e-51a2-4c43-9d5a-1f6f0f4b8a11',
  other_endpoint: null,
  port: 47_002,
  key: 'k'.repeat(43),
  preferred: true,
  lease: { promise: 2_000, renew: 500, drift: 0.001, kernelLate: 50 },
  driver: 'own',
  hook: null,
  router_id: 51,
};
const part: HaPart = {
  state: {
    role: 'holder',
    endpoint: null,
    other_heard: true,
    endpoints: 0,
    clock_behind: 0,
    stranger: null,
  },
  isHolder: true,
  failure: null,
  start: () => undefined,
  turnTo: () => undefined,
  rekey: () => undefined,
  give: () => Promise.resolve(),
  vote: () => undefined,
  close: () => Promise.resolve(),
};

let device: Device;
let wireguard: DutyService;
const [ada, ben] = [client(2), client(3)];
const places = new Map([[ada.peer.publicKey, '198.51.100.1:40000']]);
const keepalives = () =>
  [ada, ben].map(({ peer }) => device.machine.links.get('bvpn0')?.peers.get(peer.publicKey)?.keepalive);

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  device = new Device();
  device.openHa = (_ha, of) => {
    wireguard = of;
    return Promise.resolve(part);
  };
  await device.start();
  device.hear(...hold(service([ada, ben], { ha })));
  await device.tells(ONE, { state: 'up' });
});
afterEach(async () => {
  vi.useRealTimers();
  await device.close();
});

test('are called no more once that is settled', async () => {
  await wireguard.startHandshakes(places, 1);
  expect(keepalives()).toEqual([1, 0]);
  await wireguard.settle();
  expect(keepalives()).toEqual([0, 0]);
});

test('are called no more though that could not be settled at once', async () => {
  await wireguard.startHandshakes(places, 1);
  device.applyFailure = new BorealisError('COMMAND_FAILED');
  await expect(wireguard.settle()).rejects.toThrow();
  expect(keepalives()).toEqual([1, 0]);
  device.applyFailure = undefined;
  vi.advanceTimersByTime(5_000);
  await expect.poll(keepalives, SLOW).toEqual([0, 0]);
});

test('of the service that is now, and of nobody else', () => {
  expect([...wireguard.clients()].sort()).toEqual(device.peers());
});
