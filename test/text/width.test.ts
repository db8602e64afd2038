import { expect, test } from 'vitest';
import { segments, segmentWidth, shorten, width } from '../../src/text/width.ts';

/** Without the short way for texts of narrow characters. */
const slowly = (text: string): number =>
  [...segments(text)].reduce((columns, { segment }) => columns + segmentWidth(segment), 0);

test('the short way says the same as graphemes do, of every character below the CJK ones', () => {
  const different: string[] = [];
  for (let code = 0x20; code < 0x3000; code++) {
    const char = String.fromCharCode(code);
    // Control characters reach no terminal (plain.ts).
    if (/\p{Cc}/u.test(char)) continue;
    for (const text of [char, `a${char}b`, `${char}${char}`])
      if (width(text) !== slowly(text)) different.push(`U+${code.toString(16)}`);
  }
  expect(different).toEqual([]);
});

test('what is shortened the short way is as wide as asked', () => {
  expect(shorten('übermäßig', 5)).toBe('über…');
  expect(shorten('übermäßig', 1)).toBe('…');
  expect(shorten('“Größe”', 7)).toBe('“Größe”');
});
