/**
 * What is behind the interfaces in these tests: wireguard-go, also where the kernel has WireGuard; that is asked for by
 * `npm run test:kernel`.
 */
import type { DriverName } from '../../../src/wg/types.ts';
import type { Requirement } from '../../require.ts';

export const DRIVER: DriverName =
  process.env.BOREALIS_TEST_WIREGUARD === 'kernel' ? 'kernel' : 'wireguard-go';

const ABOUT = {
  kernel: "is about the kernel's WireGuard: npm run test:kernel",
  'wireguard-go': 'is about wireguard-go',
} as const satisfies Record<DriverName, string>;

/** For a test that the other one has no use for. */
export const about = (driver: DriverName): Requirement =>
  driver === DRIVER ? {} : { skip: true, meta: { skipReason: ABOUT[driver] } };
