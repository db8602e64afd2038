import { expect, test } from 'vitest';
import { drawFacts, factsHeight } from '../../../src/tui/components/facts.ts';
import { Grid } from '../../../src/tui/grid/grid.ts';
import { Surface } from '../../../src/tui/grid/surface.ts';

const KEY = 'c78d0dfa326bebb127d44f0c1a1dc7acce9f0807378d5020348feaca065518d6';
const drawn = (columns: number, rows: number, linesEach?: number): string[] => {
  const grid = new Grid(columns, rows);
  drawFacts(new Surface(grid), [['Key', KEY]], linesEach);
  return grid
    .toText()
    .split('\n')
    .map((line) => line.trimEnd())
    .filter(Boolean);
};

test('a key that is wider than its place is whole, on two lines', () => {
  const lines = drawn(50, 5);
  expect(lines).toHaveLength(2);
  expect(lines.map((line) => line.replace('Key', '').trim()).join('')).toBe(KEY);
});

test('where there is no room for the rest, it is said that there is more', () => {
  expect(drawn(50, 1)).toEqual([expect.stringMatching(/^Key {2}c78d.*…$/)]);
});

test('the height that they would use is the one that they use', () => {
  const facts = [
    ['Key', KEY],
    ['Nothing', null],
    ['Ports', '22/tcp 3389/tcp 53/udp 8443/tcp'],
  ] as const;
  for (const columns of [20, 36, 80])
    expect(factsHeight(columns, facts, 2)).toBe(drawFacts(new Surface(new Grid(columns, 20)), facts, 2));
});
