/** When an address changes hands too often of itself, and how long that keeps it from going back. Pure; times in milliseconds. */
import type { SwitchReason } from '../../protocol/bastion.ts';

const FLAPPING_MS = 600_000;
const FLAPPING_AT = 3;
/** Of the preferred node, before the address goes back to it. */
const WELL_MS = 60_000;
const WELL_MOST_MS = 900_000;
/** So long a switch that nobody asked for counts against going back. */
const REMEMBERED_MS = 3_600_000;

export interface PastSwitch {
  readonly at: number;
  readonly reason: SwitchReason;
}

export const isUnplanned = ({ reason }: Pick<PastSwitch, 'reason'>): boolean =>
  reason === 'lost' || reason === 'stopped';

const since = (switches: readonly PastSwitch[], begin: number): number =>
  switches.filter((one) => one.at > begin && isUnplanned(one)).length;

export const isFlapping = (switches: readonly PastSwitch[], now: number): boolean =>
  since(switches, now - FLAPPING_MS) >= FLAPPING_AT;

/** For how long the preferred node must have been well: a minute after the first switch, twice that after each further one. */
export const failBackAfter = (switches: readonly PastSwitch[], now: number): number => {
  const further = Math.max(0, since(switches, now - REMEMBERED_MS) - 1);
  return Math.min(WELL_MOST_MS, WELL_MS * 2 ** Math.min(further, 10));
};

/** What is older has no bearing on either. */
export const recent = <T extends PastSwitch>(switches: readonly T[], now: number): T[] =>
  switches.filter(({ at }) => at > now - REMEMBERED_MS);
