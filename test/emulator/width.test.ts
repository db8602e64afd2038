import { spawnSync } from 'node:child_process';
import headless from '@xterm/headless';
import { expect, test } from 'vitest';
import { setWidths } from '../../src/emulator/width.ts';

const cursorAfter = (text: string): Promise<number> => {
  const terminal = new headless.Terminal({ cols: 80, rows: 2, allowProposedApi: true });
  setWidths(terminal);
  return new Promise((resolve) =>
    terminal.write(text, () => {
      resolve(terminal.buffer.active.cursorX);
      terminal.dispose();
    }),
  );
};

test.each([
  ['plain', 5],
  ['tōkyō', 5],
  ['監視サーバー', 12],
  ['a 🚀 b', 6],
  ['e\u0301', 1],
  ['한국어', 6],
  ['x\u200by', 2],
  ['— … │ █ ✓', 9],
])('%j takes %i columns', async (text, columns) => expect(await cursorAfter(text)).toBe(columns));

/** bash counts a character’s columns with the C library, as readline does, which places the cursor of a prompt. */
test('the cursor is where readline has it', async () => {
  const texts = ['🚀', '監', 'é', 'ー', '😀', '🦊', '→', '한', 'A', '—'];
  const call = 'for t; do printf "%s\\t%s\\n" "$(printf %s "$t" | wc -L)" "$t"; done';
  const { stdout } = spawnSync('bash', ['-c', call, 'bash', ...texts], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });
  const counted = stdout.trim().split('\n');
  expect(counted).toEqual(
    await Promise.all(texts.map(async (text) => `${await cursorAfter(text)}\t${text}`)),
  );
});
