/** The pictures in docs/: there is one of every screen, and each is XML that a browser draws. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import xterm from '@xterm/headless';
import { expect, test } from 'vitest';
import { DARK, pictureOf } from '../../scripts/picture.ts';
import { screens } from '../../src/tui/screens/all.ts';

const folder = join(import.meta.dirname, '../../docs/pictures');
const files = readdirSync(folder).filter((name) => name.endsWith('.svg'));
/** An element a line, as scripts/picture.ts writes them; its attributes end where they should. */
const ELEMENT = /^<\/?[a-z]+(?: [\w:-]+="[^"<>]*")*\/?>(?:[^<>]*<\/[a-z]+>)?$/;
const broken = (svg: string): string[] =>
  svg.split('\n').filter((line) => line !== '' && !ELEMENT.test(line));

test.each(screens.tabs.map(({ title }) => title))('%s has its picture', (title) => {
  expect(files.filter((name) => name.startsWith(`dashboard-${title.toLowerCase()}`))).not.toEqual([]);
});

test.each(files)('%s is XML', (name) => {
  expect(broken(readFileSync(join(folder, name), 'utf8'))).toEqual([]);
});

test('a picture of all that can be in a cell is XML', async () => {
  const terminal = new xterm.Terminal({ cols: 40, rows: 4, allowProposedApi: true });
  const text =
    '\u001b[2m│─╭█▄\u001b[0m│─╭█▄░ a<b>&"\r\n\u001b[1;4;7;38;2;1;2;3m監視 🚀 ⣿\u001b[0m\u001b[48;5;235m x ';
  await new Promise<void>((drawn) => terminal.write(text, drawn));
  expect(broken(pictureOf(terminal, DARK, 'a "title" & more'))).toEqual([]);
  terminal.dispose();
});
