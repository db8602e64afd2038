import { describe, expect, test } from 'vitest';
import { LeaveKeys } from '../../../../src/commands/local/shell/leave-keys.ts';

const CTRL = '\u001d';
const KITTY = '\u001b[93;5u';
const XTERM = '\u001b[27;5;93~';

/** What the program gets of these chunks, and whether it is left. */
const typed = (...chunks: string[]): { text: string; leave: boolean } => {
  const keys = new LeaveKeys();
  let text = '';
  for (const chunk of chunks) {
    const { bytes, leave } = keys.push(Buffer.from(chunk, 'utf8'));
    text += bytes.toString('utf8');
    if (leave) return { text, leave };
  }
  return { text, leave: false };
};

describe.each([
  ['as a byte', CTRL],
  ['as CSI u', KITTY],
  ['as xterm has it', XTERM],
  ['with caps lock and num lock', '\u001b[93;197u'],
  ['with another key in its place on this keyboard', '\u001b[93:125;5:1u'],
])('Ctrl-], %s', (_, prefix) => {
  test('and d leaves, whatever was typed before', () =>
    expect(typed(`ls\r${prefix}d`)).toEqual({ text: 'ls\r', leave: true }));
  test('and d in the next chunk', () => expect(typed(prefix, 'd')).toEqual({ text: '', leave: true }));
  test('and a d that is told as a sequence', () =>
    expect(typed(prefix, '\u001b[100;1u')).toMatchObject({ leave: true }));
  test('twice is Ctrl-] once', () =>
    expect(typed(prefix, prefix, 'd')).toEqual({ text: `${prefix}d`, leave: false }));
  test('and anything else is both', () =>
    expect(typed(prefix, 'x')).toEqual({ text: `${prefix}x`, leave: false }));
});

test('what the terminal says between the two keys does not part them', () => {
  for (const report of ['\u001b[I', '\u001b[O', '\u001b[?64;1;2c', '\u001b[12;40R', '\u001b[93;5:3u'])
    expect(typed(CTRL, report, 'd').leave, JSON.stringify(report)).toBe(true);
});

test('a key that is let go counts for nothing', () => {
  expect(typed('\u001b[93;5:3u', 'd')).toEqual({ text: 'd', leave: false });
  expect(typed('\u001b[93;5:1u\u001b[93;5:3u\u001b[100;1:1u').leave).toBe(true);
});

test('what is pasted is text', () => {
  const paste = `\u001b[200~a ${CTRL}d b`;
  expect(typed(paste, `more ${CTRL}d\u001b[201~`, 'x')).toEqual({
    text: `${paste}more ${CTRL}d\u001b[201~x`,
    leave: false,
  });
  expect(typed(`${paste}\u001b[201~${CTRL}d`).leave).toBe(true);
  // Wherever it is cut.
  const whole = `${paste}\u001b[201~${CTRL}d`;
  for (let cut = 7; cut < whole.length; cut++)
    expect(typed(whole.slice(0, cut), whole.slice(cut)), `${cut}`).toEqual({
      text: `${paste}\u001b[201~`,
      leave: true,
    });
});

test('everything else passes as it is: UTF-8, other chords, arrows, halves of sequences', () => {
  const text = 'Grüße 🙂\u001b[A\u001b[1;5C\u001bOP\u001b[93;2u\u001b[27;6;93~\u0003\u001b';
  expect(typed(text, '[B')).toEqual({ text: `${text}[B`, leave: false });
  const bytes = Buffer.from([0xff, 0x00, 0x80, 0x1b]);
  expect(new LeaveKeys().push(bytes).bytes.equals(bytes)).toBe(true);
});

test('where there is something to come back to, Ctrl-] alone leaves at once, and Alt-] types it', () => {
  for (const prefix of [CTRL, KITTY, XTERM]) {
    const keys = new LeaveKeys({ atOnce: true });
    expect(keys.push(Buffer.from(`ls${prefix}x`)), JSON.stringify(prefix)).toEqual({
      bytes: Buffer.from('ls'),
      leave: true,
    });
  }
  const keys = new LeaveKeys({ atOnce: true });
  expect(keys.push(Buffer.from('\u001b]'))).toEqual({ bytes: Buffer.from(CTRL), leave: false });
  expect(keys.push(Buffer.from(`\u001b[200~${CTRL}\u001b[201~`)).leave).toBe(false);
});
