import { expect, test } from 'vitest';
import { Pace } from '../../../src/commands/manner/pace.ts';

const MIB = 2 ** 20;

test('a bar, the share, the speed, and how long the rest takes', () => {
  let now = 0;
  const pace = new Pace(() => now);
  expect(pace.text(0, 100 * MIB)).toBe('░░░░░░░░░░░░░░░░░░░░ 0% · 0 B of 100 MiB');
  now = 2_000;
  expect(pace.text(25 * MIB, 100 * MIB)).toBe(
    '█████░░░░░░░░░░░░░░░ 25% · 25.0 MiB of 100 MiB · 12.5 MiB/s · 6 s left',
  );
  // What stood still for long is not as fast as it was at first.
  now = 60_000;
  pace.text(25 * MIB, 100 * MIB);
  now = 64_000;
  expect(pace.text(29 * MIB, 100 * MIB)).toMatch(/· 1\.0 MiB\/s · 1 min 11 s left$/);
  pace.forget();
  expect(pace.text(60 * MIB, 100 * MIB)).not.toContain('/s');
});

test('while there is more than is known, and where nobody knows how much, nothing is foretold', () => {
  let now = 0;
  const pace = new Pace(() => now);
  pace.text(0, undefined);
  now = 1_000;
  expect(pace.text(MIB, undefined)).toBe('1.0 MiB · 1.0 MiB/s');
  expect(pace.text(MIB, 2 * MIB, { grows: true })).toBe(
    '██████████░░░░░░░░░░ · 1.0 MiB of 2.0 MiB so far · 1.0 MiB/s',
  );
  // More came than was announced.
  expect(pace.text(3 * MIB, 2 * MIB)).toMatch(/^█{20} 100% · /);
});
