/** What a program did to a terminal is undone: tried on an emulator that is looked at afterwards. */
import { Terminal } from '@xterm/headless';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ShownState } from '../../../../src/commands/local/shell/shown-state.ts';

const ESC = '\u001b';
const CSI = `${ESC}[`;

const emulator = () => new Terminal({ cols: 40, rows: 10, allowProposedApi: true });
const write = (terminal: Terminal, data: string | Uint8Array): Promise<void> =>
  new Promise((resolve) => terminal.write(data, resolve));

const modesAfter = async (...written: string[]) => {
  const terminal = emulator();
  const state = new ShownState();
  for (const text of written) {
    state.push(Buffer.from(text));
    await write(terminal, Buffer.from(text));
  }
  await write(terminal, state.undo());
  const { modes, buffer } = terminal;
  // Where text goes now, as it is written.
  await write(terminal, `${CSI}Hq`);
  const cell = buffer.active.getLine(buffer.active.baseY)?.getCell(0);
  const style = [
    cell?.getChars(),
    cell?.isBold(),
    cell?.isInverse(),
    cell?.isFgDefault(),
    cell?.isBgDefault(),
  ];
  return { modes: { ...modes }, screen: buffer.active.type, style };
};

const fresh = await modesAfter('');

const DEEDS = [
  `${CSI}?1049h`,
  `${CSI}?47h`,
  `${CSI}?1000h${CSI}?1006h`,
  `${CSI}?1002;1006h`,
  `${CSI}?1003h`,
  `${CSI}?9h`,
  `${CSI}?2004h`,
  `${CSI}?1004h`,
  `${CSI}?1h${ESC}=`,
  `${CSI}?25l`,
  `${CSI}?7l`,
  `${CSI}?6h`,
  `${CSI}?45h`,
  `${CSI}4h`,
  `${CSI}?2026h`,
  `${CSI}3;7r`,
  `${CSI}1;7;31;42m`,
  `${ESC}(0`,
  `${ESC}(0\u000e`,
  `${CSI}5 q`,
  `${CSI}>1u`,
  `${CSI}>4;2m`,
  `${ESC}]0;a title\u0007`,
  `${ESC}]8;;https://example.org\u0007link`,
  `${ESC}]11;#ff0000${ESC}\\`,
  'text\r\n',
  'Grüße',
  `${ESC}c`,
  `${ESC}7`,
  `${CSI}?1049l`,
  `${CSI}!p`,
];

test.each(DEEDS)('%j is undone', async (deed) => expect(await modesAfter(deed)).toEqual(fresh));

test('any of them after another, cut wherever they are cut, are undone', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...DEEDS), { maxLength: 12 }),
      fc.nat({ max: 30 }),
      async (deeds, cut) => {
        const whole = deeds.join('');
        const text = whole.slice(0, Math.max(0, whole.length - cut));
        const half = Math.floor(text.length / 2);
        expect(await modesAfter(text.slice(0, half), text.slice(half))).toEqual(fresh);
      },
    ),
    { numRuns: 300 },
  ));

describe('what is undone', () => {
  const undone = (text: string): string => {
    const state = new ShownState();
    state.push(Buffer.from(text));
    return state.undo();
  };

  test('is what was done, and no more', () => {
    expect(undone('plain')).not.toContain('1049');
    expect(undone(`${CSI}?1049h${CSI}?1049l`)).not.toContain('1049');
    expect(undone('plain')).not.toContain('>4');
    expect(undone(`${CSI}>1u${CSI}>5u${CSI}<u`)).toContain(`${CSI}<1u`);
    expect(undone(`${CSI}>4;2m`)).toContain(`${CSI}>4m`);
    expect(undone(`${CSI}?1034h`)).not.toContain('1034');
    expect(undone(`${ESC}]11;?${ESC}\\`)).not.toContain(']111');
    expect(undone(`${ESC}]11;red${ESC}\\`)).toContain(`${ESC}]111`);
  });

  test('is undone once', () => {
    const state = new ShownState();
    state.push(Buffer.from(`${CSI}?1049h`));
    expect(state.undo()).toContain('1049');
    expect(state.undo()).not.toContain('1049');
  });
});

describe('between', () => {
  const settled = (text: string | Buffer): boolean => {
    const state = new ShownState();
    state.push(Buffer.from(text as string));
    return state.settled;
  };
  test.each([
    '',
    'text',
    `${CSI}31m`,
    `${ESC}7`,
    `${ESC}]0;t\u0007`,
    `${ESC}]0;t${ESC}\\`,
    `${ESC}Pq${ESC}\\`,
    '🙂',
    `${CSI}3\u0018`,
  ])('after %j', (text) => expect(settled(text)).toBe(true));
  test.each([ESC, `${CSI}31`, `${ESC}(`, `${ESC}]0;t`, `${ESC}]0;t${ESC}`, `${ESC}P1$r`])(
    'not within %j',
    (text) => expect(settled(text)).toBe(false),
  );
  test('not within a character', () => {
    const smile = Buffer.from('a🙂');
    for (let end = 2; end < smile.length; end++)
      expect(settled(smile.subarray(0, end)), `${end}`).toBe(false);
    const state = new ShownState();
    for (const byte of smile) state.push(Buffer.of(byte));
    expect(state.settled).toBe(true);
  });
});

test('the title that a program gives is known', () => {
  const state = new ShownState();
  state.push(Buffer.from(`${ESC}]2;vim — not`));
  expect(state.title).toBeUndefined();
  state.push(Buffer.from(`es.md${ESC}\\`));
  expect(state.title).toBe('vim — notes.md');
  state.push(Buffer.from(`${ESC}]0;${'x'.repeat(100_000)}\u0007`));
  expect(state.title!.length).toBeLessThan(300);
});
