import { afterEach, expect, test, vi } from 'vitest';
import { Steps } from '../../../../src/commands/local/quickstart/steps.ts';
import { Output } from '../../../../src/commands/manner/output.ts';
import { readTerminal } from '../../../../src/commands/manner/terminal.ts';

afterEach(() => vi.restoreAllMocks());

const said = (columns: number, text: string): string => {
  let written = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    written += String(chunk);
    return true;
  });
  const terminal = { ...readTerminal({}, true), width: columns };
  new Steps(new Output({ json: false, quiet: false, terminal })).say(text);
  return written;
};

test('sentences are broken between words at the edge of the terminal, and a fingerprint stays whole', () => {
  const fingerprint = 'e'.repeat(64);
  const lines = said(
    80,
    `The agent made its key and asks to be enrolled. It shows the fingerprint ${fingerprint}.`,
  );
  expect(lines.split('\n').map((line) => line.length <= 80 && line.startsWith('   '))).toEqual([
    true,
    true,
    false,
  ]);
  expect(lines).toContain(fingerprint);
});

test('what is no terminal gets a sentence in one line', () => {
  expect(said(Infinity, 'word '.repeat(60).trim()).split('\n')).toHaveLength(2);
});
