/** The `:` line, with names that come when they come. */
import { afterEach, expect, test } from 'vitest';
import { describeCommands } from '../../../src/commands/local/completion/words.ts';
import type { Offer } from '../../../src/tui/app/cli.ts';
import { Frames, ToldEngine } from '../frames.tsx';

let frames: Frames | undefined;
afterEach(() => frames?.close());

const open = async () => {
  const asked: { words: readonly string[]; answer: (...words: string[]) => void }[] = [];
  const names = (words: readonly string[]): Promise<readonly Offer[]> =>
    new Promise((resolve) => {
      const answer = (...found: string[]): void =>
        resolve(found.map((word) => ({ word, note: `a ${words[0]}` })));
      asked.push({ words, answer });
    });
  frames = await Frames.start(new ToldEngine({}), { cli: { describe: describeCommands, names } });
  frames.press(':');
  await frames.until('create restore verify');
  return { at: frames, asked };
};

test('offers what the engine names, with what tells it from the others', async () => {
  const { at, asked } = await open();
  at.write('script run ');
  expect(asked.at(-1)?.words).toEqual(['script', 'run']);
  asked.at(-1)?.answer('cleanup', 'report');
  await at.until(/cleanup +a script/);
  at.press('tab', 'tab');
  await at.until(': script run report');
});

test('Tab that was quicker than the engine completes when the names are there', async () => {
  const { at, asked } = await open();
  at.write('script run c');
  at.press('tab');
  asked.at(-1)?.answer('cleanup');
  await at.until(': script run cleanup ');
});

test('names that come too late for what is written are not offered', async () => {
  const { at, asked } = await open();
  at.write('job show ');
  const late = asked.at(-1);
  for (let i = 0; i < 'job show '.length; i++) at.press('backspace');
  at.write('script run ');
  late?.answer('k3jd');
  asked.at(-1)?.answer('cleanup');
  expect(await at.until('cleanup')).not.toContain('k3jd');
});

test('a line that is longer than the screen is seen where it is being written', async () => {
  const { at } = await open();
  const line = `ha enable office --primary north --standby south --address 192.0.2.10/24 --interface eth0 --lease 3 ${'x'.repeat(60)}end`;
  at.write(line);
  const lines = (await at.until('xend')).split('\n');
  const written = lines.find((text) => text.includes(': …'));
  expect(written).toMatch(/xend *│$/);
  at.press('home');
  expect(await at.until(': ha enable office')).not.toContain('xend');
});
