import { describe, expect, test } from 'vitest';
import { bytes, percent, plural } from '../../../src/commands/manner/size.ts';
import { parseDuration, parseSince, relative, span, took } from '../../../src/commands/manner/time.ts';

describe('durations', () => {
  test.each([
    ['45', 45],
    ['45s', 45],
    ['90m', 5_400],
    ['24h', 86_400],
    ['7d', 604_800],
    ['2w', 1_209_600],
    ['1h30m', 5_400],
    ['0', 0],
    ['1.5h', 5_400],
    ['0.5m', 30],
    ['2000ms', 2],
  ])('%s', (text, seconds) => expect(parseDuration(text)).toBe(seconds));

  test('parts of a second where they make sense, and a word of it where they do not', () => {
    expect(['0.2', '0.2s', '200ms', '1.5'].map((text) => parseDuration(text, { parts: true }))).toEqual([
      0.2, 0.2, 0.2, 1.5,
    ]);
    expect(() => parseDuration('0.2')).toThrow('not a whole number of seconds');
  });

  test.each(['', 'x', '.5', '1.h', '1y', '-1h', '1 h', 'h', '1h30'])('“%s” is none', (text) => {
    expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: 'USAGE', exit: 2 }));
  });
});

describe('since', () => {
  const now = Date.parse('2026-03-01T12:00:00.000Z');
  test.each([
    ['1h', '2026-03-01T11:00:00.000Z'],
    ['1.5h', '2026-03-01T10:30:00.000Z'],
    ['2d', '2026-02-27T12:00:00.000Z'],
    ['2026-02-01', '2026-02-01T00:00:00.000Z'],
    ['2026-02-01T08:00:00+01:00', '2026-02-01T07:00:00.000Z'],
  ])('%s', (text, moment) => expect(parseSince(text, now)).toBe(moment));

  test.each(['yesterday', '2026-13-01', '12:00'])('“%s” is none', (text) => {
    expect(() => parseSince(text, now)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});

test('how long ago, in one part', () => {
  const now = Date.parse('2026-03-01T12:00:00.000Z');
  const ago = (seconds: number): string => relative(new Date(now - seconds * 1_000).toISOString(), now);
  expect([0, 12, 80, 600, 7_200, 172_800, -3_600, -86_400 * 30].map(ago)).toEqual([
    'just now',
    '12 s ago',
    '80 s ago',
    '10 min ago',
    '2 h ago',
    '2 days ago',
    'in 60 min',
    'in 30 days',
  ]);
});

test('spans, in two parts', () => {
  expect([0, 59, 60, 125, 3_600, 7_260, 86_400, 190_000].map(span)).toEqual([
    '0 s',
    '59 s',
    '1 min',
    '2 min 5 s',
    '1 h',
    '2 h 1 min',
    '1 d',
    '2 d 4 h',
  ]);
  expect([8, 999, 1_400, 65_000].map(took)).toEqual(['8 ms', '999 ms', '1.4 s', '1 min 5 s']);
});

test('sizes', () => {
  expect([0, 1_023, 1_024, 4_404_019, 1_048_575, 107_374_182_400].map(bytes)).toEqual([
    '0 B',
    '1023 B',
    '1.0 KiB',
    '4.2 MiB',
    '1.0 MiB',
    '100 GiB',
  ]);
  expect([percent(1, 3), percent(1, 0), plural(1, 'device'), plural(0, 'device')]).toEqual([
    '33%',
    '-',
    '1 device',
    '0 devices',
  ]);
});
