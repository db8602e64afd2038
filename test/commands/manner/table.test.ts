import { describe, expect, test } from 'vitest';
import { painter } from '../../../src/commands/manner/paint.ts';
import { plainJson } from '../../../src/commands/manner/plain.ts';
import { type Column, facts, table } from '../../../src/commands/manner/table.ts';
import { pad, plain, plainLines, shorten, width, wrap } from '../../../src/commands/manner/text.ts';

const plainPaint = painter(false);

describe('width', () => {
  test.each([
    ['web-1', 5],
    ['münchen', 7],
    ['東京', 4],
    ['日本-1', 6],
    ['e\u0301', 1],
    ['👩‍💻', 2],
    ['🇩🇪', 2],
    ['✔', 1],
    ['', 0],
  ])('%s takes %i columns', (text, columns) => expect(width(text)).toBe(columns));

  test('what is cut shows, and is never wider than it may be', () => {
    expect(shorten('東京東京', 5)).toBe('東京…');
    expect(shorten('abcdef', 6)).toBe('abcdef');
    for (let columns = 1; columns < 12; columns++)
      expect(width(shorten('aé東👩‍💻zz京', columns))).toBeLessThanOrEqual(columns);
    expect(pad('東', 4)).toBe('東  ');
    expect(pad('7', 3, 'right')).toBe('  7');
  });
});

test('what a device chose cannot steer the terminal', () => {
  expect(plain('web\u001b]0;owned\u0007\u001b[2J1')).not.toMatch(/\p{Cc}/u);
  expect(plain('a\nb\tc\r')).toBe('a b c ');
  expect(plain('\u202Eevil\u2066')).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
  expect(plainLines('one\r\ntwo\u001b[1m')).toBe('one\ntwo\ufffd[1m');
  for (const value of ['a\nb\u009b31m\u202Eevil\u2028\u{e0001}\x7f', 'Grüße, 世界', 'plain']) {
    const json = plainJson(JSON.stringify({ value }, null, 2));
    expect(json).not.toMatch(/[\p{Cf}\p{Zl}]|(?!\n)\p{Cc}/u);
    expect(JSON.parse(json)).toEqual({ value });
  }
  expect(plainJson('"Grüße"')).toBe('"Grüße"');
});

interface Row {
  readonly name: string;
  readonly state: string | null;
}
const columns: Column<Row>[] = [
  { title: 'NAME', value: ({ name }) => name, gives: true },
  { title: 'STATE', value: ({ state }) => state, colour: () => 'green' },
];

test('columns are aligned, what is not known is a dash, lines have no blanks at their end', () => {
  const rows = [
    { name: 'web-1', state: 'online' },
    { name: '東京', state: null },
    { name: 'long-name\n2', state: 'offline' },
  ];
  expect(table(rows, columns, { columns: Infinity, paint: plainPaint })).toEqual([
    'NAME         STATE',
    'web-1        online',
    '東京         -',
    'long-name 2  offline',
  ]);
});

test('on a narrow terminal the column that gives is shortened, the others stay whole', () => {
  const lines = table([{ name: 'a-very-long-name-of-a-device', state: 'quarantined' }], columns, {
    columns: 24,
    paint: plainPaint,
  });
  expect(lines).toEqual(['NAME         STATE', 'a-very-lon…  quarantined']);
});

test('a column that can be spared goes before names are shortened', () => {
  const many: Column<Row>[] = [
    { title: 'NAME', value: ({ name }) => name, gives: true },
    { title: 'FIRST', value: () => 'fifteen-columns', spare: true },
    { title: 'STATE', value: ({ state }) => state },
    { title: 'SECOND', value: () => 'fifteen-columns', spare: true },
  ];
  const at = (width: number): string[] =>
    table([{ name: 'a-very-long-name', state: 'online' }], many, { columns: width, paint: plainPaint });
  expect(at(80)[0]).toMatch(/^NAME +FIRST +STATE +SECOND$/);
  expect(at(42)[0]).toMatch(/^NAME +FIRST +STATE$/);
  expect(at(20)).toEqual(['NAME          STATE', 'a-very-long…  online']);
  expect(at(40)).toEqual(['NAME              STATE', 'a-very-long-name  online']);
  for (const width of [20, 40, 60])
    for (const line of at(width)) expect(line.length).toBeLessThanOrEqual(width);
});

test('prose gives before names, a spare column that gives before it is left out', () => {
  const many: Column<Row>[] = [
    { title: 'NAME', value: ({ name }) => name, gives: true },
    { title: 'WHAT', value: () => 'words and '.repeat(12), gives: true },
    { title: 'TAGS', value: () => 'role=web tier=front', gives: true, spare: true },
    { title: 'BY', value: () => 'ada', spare: true },
  ];
  const at = (width: number): string[] =>
    table([{ name: 'a-very-long-name-of-a-device', state: null }], many, {
      columns: width,
      paint: plainPaint,
    });
  expect(at(200)[1]).toMatch(/device {2}words .* role=web tier=front {2}ada$/);
  expect(at(84)[1]).toMatch(/^a-very-long-name-of-a-device {2}words .*… {2}role=web ti… {2}ada$/);
  expect(at(80)[0]).toMatch(/^NAME +WHAT +TAGS$/);
  expect(at(66)[0]).toMatch(/^NAME +WHAT$/);
  expect(at(66)[1]).toMatch(/^a-very-long-name-of-a-device {2}words /);
});

test('colour wraps the text alone', () => {
  const [, line] = table([{ name: 'a', state: '$&' }], columns, { columns: Infinity, paint: painter(true) });
  expect(line).toBe('a     \u001b[32m$&\u001b[39m');
});

test('facts: aligned, without what is not known, several lines under each other', () => {
  const lines = facts(
    [
      ['Name', 'web-1'],
      ['Site', null],
      ['A longer name', 'one\ntwo'],
      ['Empty', ''],
    ],
    plainPaint,
  );
  expect(lines).toEqual(['Name           web-1', 'A longer name  one', '               two']);
});

describe('wrap', () => {
  test.each([
    ['one two three', 7, ['one two', 'three']],
    ['short', 80, ['short']],
    ['see /a/path/that/is/long now', 10, ['see', '/a/path/that/is/long', 'now']],
    ['東京 大阪 京都', 9, ['東京 大阪', '京都']],
    ['anything at all', Infinity, ['anything at all']],
  ])('%s in %d columns', (text, columns, lines) => expect(wrap(text, columns)).toEqual(lines));
});
