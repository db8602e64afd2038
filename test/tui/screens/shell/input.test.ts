import { describe, expect, test } from 'vitest';
import { ShellInput } from '../../../../src/tui/screens/shell/input.ts';

const PLAIN = { applicationCursorKeysMode: false, bracketedPasteMode: false };

const take = (text: string, modes = PLAIN) => {
  const { bytes, mouse, leave } = new ShellInput().take(Buffer.from(text, 'utf8'), modes);
  return { text: bytes.toString('utf8'), mouse, leave };
};

describe('what is typed into a shell within the dashboard', () => {
  test('passes as it is, whatever the characters', () => {
    expect(take('ls 監視 \u0003\u001b\u001bx\u001b[1;5C')).toEqual({
      text: 'ls 監視 \u0003\u001b\u001bx\u001b[1;5C',
      mouse: [],
      leave: false,
    });
  });

  test('Ctrl-] leaves, and what came after it is not typed; Alt-] types it', () => {
    expect(take('ab\u001dcd')).toMatchObject({ text: 'ab', leave: true });
    expect(take('\u001b]')).toMatchObject({ text: '\u001d', leave: false });
  });

  test('arrows are those that the program asked for', () => {
    expect(take('\u001b[A').text).toBe('\u001b[A');
    expect(take('\u001b[A\u001b[H', { ...PLAIN, applicationCursorKeysMode: true }).text).toBe(
      '\u001bOA\u001bOH',
    );
  });

  test('what is pasted is marked where the program asked for that, and Ctrl-] in it is text', () => {
    const pasted = '\u001b[200~a\u001db\u001b[201~';
    expect(take(pasted)).toMatchObject({ text: 'a\u001db', leave: false });
    expect(take(pasted, { ...PLAIN, bracketedPasteMode: true }).text).toBe(pasted);
  });

  test('the mouse is the dashboard’s', () => {
    expect(take('x\u001b[<0;11;5M\u001b[<0;11;5m\u001b[<64;1;1My')).toEqual({
      text: 'xy',
      mouse: [
        { action: 'press', x: 10, y: 4 },
        { action: 'up', x: 0, y: 0 },
      ],
      leave: false,
    });
  });
});
