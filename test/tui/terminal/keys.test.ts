import { describe, expect, test } from 'vitest';
import { type Input, KeyParser } from '../../../src/tui/terminal/keys.ts';

const names = (inputs: readonly Input[]): string[] =>
  inputs.map((input) => (input.type === 'key' ? input.key : `${input.type}`));
const parse = (...pieces: string[]): string[] => {
  const parser = new KeyParser();
  return names([...pieces.flatMap((piece) => parser.feed(piece)), ...parser.flush()]);
};

describe('keys', () => {
  test.each([
    ['a', ['a']],
    ['G', ['G']],
    ['ü', ['ü']],
    ['🚀', ['🚀']],
    [' ', ['space']],
    ['\r', ['enter']],
    ['\t', ['tab']],
    ['\u007f', ['backspace']],
    ['\u0010', ['ctrl-p']],
    ['\u001d', ['ctrl-]']],
    ['\u001b[A', ['up']],
    ['\u001bOA', ['up']],
    ['\u001b[1;5C', ['ctrl-right']],
    ['\u001b[5~', ['pageup']],
    ['\u001b[3~', ['delete']],
    ['\u001b[Z', ['shift-tab']],
    ['\u001bOP', ['f1']],
    ['\u001b[15~', ['f5']],
    ['\u001b', ['esc']],
    ['\u001b\u001b', ['esc', 'esc']],
    ['\u001bq', ['esc', 'q']],
    ['\u001b\u007f', ['alt-backspace']],
    ['jjk', ['j', 'j', 'k']],
  ])('%j is %j', (text, expected) => expect(parse(text)).toEqual(expected));

  test('a sequence in pieces, as a slow line brings it, is one key', () => {
    expect(parse('\u001b', '[', '1;', '5C', 'x')).toEqual(['ctrl-right', 'x']);
  });

  test('what no terminal sends is swallowed, and the keys after it are heard', () => {
    expect(parse('\u001b[999;1;2~', 'q')).toEqual(['q']);
    expect(parse('\u001b[\u0001', 'q')).toContain('q');
  });
});

test('pasted text is text, whatever keys it would be', () => {
  const parser = new KeyParser();
  expect(parser.feed('\u001b[200~rm -rf /\rq')).toEqual([]);
  expect(parser.waits).toBe(false);
  expect(parser.feed('\u001b[201~j')).toEqual([
    { type: 'paste', text: 'rm -rf /\rq' },
    { type: 'key', key: 'j', text: 'j' },
  ]);
});

test('the mouse: a press, the wheel; a release is nothing', () => {
  const parser = new KeyParser();
  expect(parser.feed('\u001b[<0;12;5M\u001b[<0;12;5m\u001b[<65;1;1M')).toEqual([
    { type: 'mouse', action: 'press', x: 11, y: 4 },
    { type: 'mouse', action: 'down', x: 0, y: 0 },
  ]);
});

test('the terminal’s answer about its background is no key', () => {
  const parser = new KeyParser();
  expect(parser.feed('\u001b]11;rgb:ffff/ffff/ffff\u001b\\q')).toEqual([
    { type: 'report', text: '11;rgb:ffff/ffff/ffff' },
    { type: 'key', key: 'q', text: 'q' },
  ]);
});
