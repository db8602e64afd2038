import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { serializeScreen } from '../../../src/agent/shells/screen-serialize.ts';
import { emptyTerminal, stateOf, write } from './screen-compare.ts';

const ESC = '\u001b';
const CSI = `${ESC}[`;

/** Writes `text`, tells the screen to another terminal, and expects no difference, then or after `more`. */
function expectRestored(text: string, { cols = 20, rows = 6, more = '' } = {}): void {
  const live = emptyTerminal(cols, rows);
  write(live, text);
  const again = emptyTerminal(cols, rows);
  const data = serializeScreen(live, { title: '', modifyOtherKeys: 0 });
  write(again, data);
  expect(stateOf(again), JSON.stringify(data)).toEqual(stateOf(live));
  if (more === '') return;
  write(live, more);
  write(again, more);
  expect(stateOf(again), JSON.stringify(data)).toEqual(stateOf(live));
}

describe('a screen is restored', () => {
  const cases: Record<string, string> = {
    'with colours of all kinds': `${CSI}31mred${CSI}1;94;48;5;200m bright ${CSI}38;2;1;2;3;7mrgb${CSI}0m plain`,
    'with a colour that follows one with more bits': `${CSI}48;2;9;8;7m${CSI}44mx${CSI}38;2;9;8;7m${CSI}31;49mx`,
    'with kinds and colours of underlines': `${CSI}4:3;58:2::255:0:9mcurly${CSI}0m${CSI}4:4;58:5:9mdotted${CSI}0m`,
    'with links': `${ESC}]8;;https://example.org${ESC}\\here${ESC}]8;;${ESC}\\ and not here`,
    'with lines that scrolled away': Array.from({ length: 40 }, (_, n) => `line ${n}\r\n`).join(''),
    'with a long line that wraps': `${'x'.repeat(45)}\r\ny`,
    'with wide characters that wrap before the edge': `${'a'.repeat(19)}漢字漢字${'b'.repeat(17)}字`,
    'with a cursor behind the last column': `${'x'.repeat(20)}`,
    'with emoji, and a cursor behind them': 'a 🚀 b 🚀\u0301 ❤ c',
    'with an emoji that wraps before the edge': `${'a'.repeat(39)}🚀`,
    'with a cursor behind a wide character in the last column': `${'x'.repeat(18)}字`,
    'with a character over half of a wide one in the last column': `${CSI}?7l${'x'.repeat(18)}字y`,
    'with joined characters': 'e\u0301a\u0308 👍🏽 नमस्ते',
    'with a background that fills the line': `${CSI}44mblue${CSI}K\r\n${CSI}K\r\n${CSI}0mend`,
    'with a background that scrolled in': `${CSI}41m${'line\r\n'.repeat(9)}${CSI}0m.`,
    'with a scroll region': `${CSI}2;4r${CSI}3;1Hx`,
    'with origin mode, in its region': `${CSI}2;5r${CSI}?6h${CSI}2;3Hx`,
    'with a saved cursor': `${CSI}3;4H${CSI}33m${ESC}7${CSI}H${CSI}0mx`,
    'in the alternate screen, with what is behind it': `$ vim\r\n${CSI}7m${CSI}?1049h${CSI}2;2Halt${CSI}44m `,
    'in the alternate screen entered the old way': `one${ESC}7\r\ntwo${CSI}?47h${CSI}Halt`,
    'in the alternate screen entered with a background': `${CSI}44m${CSI}?1049h${CSI}T`,
    'back from the alternate screen': `before${CSI}?1049halt${CSI}?1049l after`,
    'with line drawing': `${ESC}(0lqqk${ESC}(B ${ESC})0\u000exx`,
    'with the line drawing of a saved cursor': `${ESC}(0q${ESC}7${ESC}(Bq`,
    'with tab stops of its own': `${CSI}3g${CSI}1;4H${ESC}H${CSI}1;9H${ESC}H${CSI}H\tx`,
    'with all its modes': `${CSI}?1;45;1004;2004;1003;1006h${ESC}=${CSI}4h${CSI}?7l${CSI}?25l${CSI}6 q`,
    'with insert mode and wrap pending': `${CSI}4h${'x'.repeat(20)}`,
    'with a wrap that was pending when the line was erased': `${'x'.repeat(20)}${CSI}2K`,
    'with a wrap that was pending when all before was erased': `${'x'.repeat(20)}${CSI}1K`,
    'with a wrap that was pending when the screen scrolled': `${'x'.repeat(20)}${CSI}S`,
    'with a wrap that was pending on the way to the alternate screen': `${'x'.repeat(20)}${CSI}?1047h`,
    'with a wrap that is pending, though the end of the line was to be erased': `${'x'.repeat(20)}${CSI}K`,
    'when it is empty': '',
    'when cleared with scrollback above': `${'line\r\n'.repeat(30)}${CSI}2J${CSI}H$ `,
    'when a wrapped line lost its end': `${'x'.repeat(30)}${CSI}A${CSI}15G${CSI}K`,
    'when a wrapped line lost its beginning': `${'x'.repeat(30)}${CSI}G${CSI}3X`,
  };
  for (const [name, text] of Object.entries(cases))
    test(name, () => expectRestored(text, { more: `${ESC}8!\r\n\tq${CSI}?1049l$ ` }));

  test('whatever was written', () => {
    const number = fc.integer({ min: 1, max: 12 });
    const piece = fc.oneof(
      fc.stringMatching(/^[ -~]{1,12}$/),
      fc.constantFrom(
        '漢',
        '字字',
        'e\u0301',
        '\r\n',
        '\n',
        '\r',
        '\b',
        '\t',
        `${ESC}7`,
        `${ESC}8`,
        `${ESC}M`,
        `${ESC}D`,
      ),
      fc.tuple(number, fc.constantFrom(...'ABCDEFGLMPSTX@d`')).map(([n, final]) => `${CSI}${n}${final}`),
      fc.tuple(number, number).map(([row, column]) => `${CSI}${row};${column}H`),
      fc.tuple(number, number).map(([top, bottom]) => `${CSI}${top};${bottom}r`),
      fc
        .tuple(fc.constantFrom(0, 1, 3, 4, 7, 9, 31, 44, 92, 105, '38;5;99', '48;2;9;8;7', 53, 2, '4:3'))
        .map(([sgr]) => `${CSI}${sgr}m`),
      fc.constantFrom(`${CSI}J`, `${CSI}1J`, `${CSI}2J`, `${CSI}K`, `${CSI}1K`, `${CSI}2K`),
      fc
        .tuple(fc.constantFrom(6, 7, 1, 25, 1000, 1006, 2004, 1049, 1047), fc.constantFrom('h', 'l'))
        .map(([mode, set]) => `${CSI}?${mode}${set}`),
      fc.constantFrom(`${ESC}(0`, `${ESC}(B`, `${ESC}H`, `${CSI}4h`, `${CSI}4l`, `${CSI}!p`),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) =>
        expectRestored(pieces.join(''), { cols: 11, rows: 5 }),
      ),
      { numRuns: Number(process.env.FUZZ_RUNS ?? 400) },
    );
  });
});
