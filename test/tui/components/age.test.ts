import { expect, test } from 'vitest';
import { ago } from '../../../src/tui/components/age.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');

test.each([
  [0, 'just now'],
  [40, '40 s ago'],
  [600, '10 min ago'],
])('%i seconds before is %s', (seconds, expected) =>
  expect(ago(new Date(NOW - seconds * 1_000).toISOString(), NOW)).toBe(expected),
);
