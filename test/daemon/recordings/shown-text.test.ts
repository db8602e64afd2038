import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ShownText } from '../../../src/daemon/recordings/shown-text.ts';

const shown = (...pieces: string[]): string[] => {
  const text = new ShownText();
  return [...pieces.flatMap((piece) => [...text.push(piece)]), ...text.end()];
};

const cases: readonly (readonly [string, string, readonly string[]])[] = [
  ['lines', 'one\r\ntwo\r\n', ['one', 'two']],
  ['the last line', 'one\r\ntwo', ['one', 'two']],
  ['colours within a word', 'se\x1b[1;31mcr\x1b[0met\r\n', ['secret']],
  ['what was rubbed out', 'passwrd\b \b\b \bord\r\n', ['password']],
  ['a line that is written over', '10%\r50%\r100%\r\n', ['100%']],
  ['the rest of a line erased', 'long text\rhi\x1b[K\r\n', ['hi']],
  ['a title', '\x1b]0;root@web1\x07prompt$ \r\n', ['prompt$']],
  ['a title that ends with ST', '\x1b]2;x\x1b\\y\r\n', ['y']],
  ['a string of another device', '\x1bPq#0;2;0\x1b\\z\r\n', ['z']],
  ['the cursor moved right', 'a\x1b[3Cb\r\n', ['a   b']],
  ['tabs', 'a\tb\r\n', ['a       b']],
  ['places of the screen', '\x1b[2J\x1b[1;1Hfirst\x1b[5;3Hsecond', ['first', '  second']],
  ['character sets and keypads', '\x1b(B\x1b=text\x1b>\r\n', ['text']],
  ['characters inserted and deleted', 'abc\r\x1b[2@xy\x1b[1P\r\n', ['xybc']],
  ['wide characters', '日本語 ✓\r\n', ['日本語 ✓']],
  ['a sequence that was broken off', '\x1b[31\x18m ok\r\n', ['m ok']],
];
test.each(cases)('%s', (_name, text, lines) => {
  expect(shown(text)).toEqual(lines);
  // However it comes in pieces.
  expect(shown(...text)).toEqual(lines);
});

test('anything at all is taken, in bounded memory and however it is cut', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\x1b[', '\x1b]', '9999C', ';', 'H', '\x1b')),
      ),
      (pieces) => {
        const whole = shown(pieces.join(''));
        for (const line of whole) expect(line.length).toBeLessThanOrEqual(8_192);
      },
    ),
    { numRuns: 500 },
  );
  expect(shown(`\x1b]0;${'x'.repeat(100_000)}\x07after\r\n`)).toEqual(['after']);
  expect(shown(`\x1b[${'1'.repeat(100_000)}`, 'x\r\n').length).toBeLessThan(100);
});
