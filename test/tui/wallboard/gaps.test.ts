import { expect, test } from 'vitest';
import { mendPen, type Pen } from '../../../src/tui/wallboard/gaps.ts';

test('nothing is drawn through a gap, nor to where a line begins', () => {
  const drawn: string[] = [];
  const pen: Pen = {
    moveTo: (x: number) => void drawn.push(`to ${x}`),
    lineTo: (x: number) => void drawn.push(`line ${x}`),
  };
  mendPen(pen);
  for (const [x, y] of [Number.NaN, 1, 1, Number.NaN, Number.NaN, 1, 1].entries()) pen.lineTo(x, y);
  expect(drawn).toEqual(['to 1', 'line 2', 'to 5', 'line 6']);
});

test('full load is at the top of the chart, not above it', () => {
  const drawn: number[] = [];
  const pen: Pen = { moveTo: (_, y) => void drawn.push(y), lineTo: (_, y) => void drawn.push(y) };
  mendPen(pen);
  for (const y of [10, -2, -2]) pen.lineTo(1, y);
  expect(drawn).toEqual([10, 0, 0]);
});
