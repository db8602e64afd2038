import { expect, test } from 'vitest';
import type { TelemetrySample } from '../../../src/protocol/telemetry.ts';
import { atTimes } from '../../../src/tui/wallboard/devices.ts';

const MINUTE = 60_000;
const sample = (minute: number): TelemetrySample =>
  ({ at: new Date(minute * MINUTE).toISOString(), cpu_percent: minute }) as TelemetrySample;
const at = [0, 1, 2, 3, 4, 5].map((minute) => minute * MINUTE);
const values = (minutes: number[]) => atTimes(at, minutes.map(sample), ({ cpu_percent }) => cpu_percent);

test('a device that was enrolled later begins later on the axis that it shares', () => {
  expect(values([3, 4, 5])).toEqual([null, null, null, 3, 4, 5]);
  expect(values([0, 1, 2, 3, 4, 5])).toEqual([0, 1, 2, 3, 4, 5]);
});

test('one that was away has a gap, and one that ended before has an end', () => {
  const away = values([0, 5]);
  expect([away[0], away[5]]).toEqual([0, 5]);
  expect(away.slice(2, 4)).toEqual([null, null]);
  expect(values([0, 1]).slice(3)).toEqual([null, null, null]);
});

test('nothing measured is nothing shown', () => expect(values([])).toEqual(at.map(() => null)));
