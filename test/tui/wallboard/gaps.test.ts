import { expect, test } from 'vitest';
import { liftAtGaps, type Pen } from '../../../src/tui/wallboard/gaps.ts';

test('nothing is drawn through a gap, nor to where a line begins', () => {
  const drawn: string[] = [];
  const pen: Pen = {
    moveTo: (x: number) => void drawn.push(`to ${x}`),
    lineTo: (x: number) => void drawn.push(`line ${x}`),
  };
  liftAtGaps(pen);
  for (const [x, y] of [Number.NaN, 1, 1, Number.NaN, Number.NaN, 1, 1].entries()) pen.lineTo(x, y);
  expect(drawn).toEqual(['to 1', 'line 2', 'to 5', 'line 6']);
});
