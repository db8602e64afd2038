import { describe, expect, test } from 'vitest';
import { exactOf, exactStyle, RGB } from '../../../src/tui/grid/exact.ts';
import { style, withBack } from '../../../src/tui/grid/style.ts';
import { sgr } from '../../../src/tui/terminal/colours.ts';
import { DARK } from '../../../src/tui/terminal/themes.ts';

const red = { fore: RGB + 0xff0000, back: 4, attributes: [1, 7] };

describe('colours of somebody else’s program', () => {
  test('the same look is the same style, and no style of ours is one', () => {
    expect(exactStyle({ ...red })).toBe(exactStyle(red));
    expect(exactOf(exactStyle(red))).toEqual(red);
    expect(exactOf(style('bad', 'selected'))).toBeUndefined();
    expect(withBack(exactStyle(red), 'selected')).toBe(exactStyle(red));
  });

  test.each([
    ['true', '0;1;7;38;2;255;0;0;44'],
    ['256', '0;1;7;38;5;196;44'],
    ['16', '0;1;7;91;44'],
    ['none', '0;1;7'],
  ] as const)('in a terminal of depth %s', (depth, codes) => {
    expect(sgr(exactStyle(red), DARK, depth)).toBe(`\u001b[${codes}m`);
  });
});
