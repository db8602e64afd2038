import { describe, expect, test } from 'vitest';
import { placeColumns } from '../../../src/tui/list/columns.ts';
import { ListModel } from '../../../src/tui/list/model.ts';

interface Row {
  readonly id: string;
  readonly site: string;
  readonly load: number;
}
const rows = (count: number): Row[] =>
  Array.from({ length: count }, (_, i) => ({
    id: `host-${i}`,
    site: i % 2 ? 'oslo' : 'lyon',
    load: (i * 7) % 10,
  }));

const listOf = (items: { current: readonly Row[]; version: number }): ListModel<Row> =>
  new ListModel<Row>({
    items: () => items.current,
    version: () => items.version,
    id: ({ id }) => id,
    columns: [
      { id: 'id', title: 'ID', width: 8, text: ({ id }) => id },
      { id: 'site', title: 'SITE', width: 6, text: ({ site }) => site },
      { id: 'load', title: 'LOAD', width: 4, text: ({ load }) => String(load), order: ({ load }) => load },
    ],
  });

describe('a list', () => {
  test('the cursor stays with its line while others come and go', () => {
    const items = { current: rows(5), version: 1 };
    const list = listOf(items);
    list.moveTo(3);
    items.current = [{ id: 'new', site: 'x', load: 0 }, ...rows(5)];
    items.version++;
    expect(list.current()?.id).toBe('host-3');
    items.current = items.current.filter(({ id }) => id !== 'host-3');
    items.version++;
    expect(list.current()).toBeDefined();
  });

  test('the filter takes every word', () => {
    const list = listOf({ current: rows(30), version: 1 });
    list.filter = 'oslo HOST-1';
    expect(list.shown().every(({ id, site }) => site === 'oslo' && id.startsWith('host-1'))).toBe(true);
    expect(list.shown().length).toBeGreaterThan(0);
    list.filter = 'nothing of the kind';
    expect(list.shown()).toEqual([]);
    expect(list.current()).toBeUndefined();
  });

  test('numbers are in the order of numbers, and turn around', () => {
    const list = listOf({ current: rows(10), version: 1 });
    list.sortColumn = 'load';
    expect(list.shown().map(({ load }) => load)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    list.act('reverse');
    expect(list.shown()[0]?.load).toBe(9);
  });

  test('what is selected is what is acted on, even where the filter hides it', () => {
    const list = listOf({ current: rows(4), version: 1 });
    list.act('mark');
    list.act('mark');
    expect(list.chosen().map(({ id }) => id)).toEqual(['host-0', 'host-1']);
    list.filter = 'host-3';
    expect(list.chosen()).toHaveLength(2);
    list.marks.clear();
    expect(list.chosen().map(({ id }) => id)).toEqual(['host-3']);
  });

  test('of ten thousand rows only those in the window are handed out', () => {
    const list = listOf({ current: rows(10_000), version: 1 });
    list.moveTo(5_000);
    const { items, offset } = list.window(20);
    expect(items).toHaveLength(20);
    expect(items[5_000 - offset]?.id).toBe('host-5000');
    list.act('last');
    expect(list.window(20).items.at(-1)?.id).toBe('host-9999');
  });
});

describe('columns', () => {
  const columns = [
    { id: 'a', title: 'A', width: 10, grow: 1, text: () => '' },
    { id: 'b', title: 'B', width: 10, keep: 1, text: () => '' },
    { id: 'c', title: 'C', width: 10, keep: 0, text: () => '' },
  ];
  test.each([
    [12, ['a']],
    [22, ['a', 'b']],
    [34, ['a', 'b', 'c']],
    [80, ['a', 'b', 'c']],
  ])('in %d columns: %j, and never wider than that', (available, expected) => {
    const placed = placeColumns(columns, available);
    expect(placed.map(({ column }) => column.id)).toEqual(expected);
    const last = placed.at(-1)!;
    expect(last.x + last.width).toBeLessThanOrEqual(available);
  });
});
