import { describe, expect, test } from 'vitest';
import { describeCommands } from '../../../src/commands/local/completion/words.ts';
import { offers, splitWords } from '../../../src/tui/overlays/command-words.ts';

const commands = await describeCommands();
const words = (typed: string): string[] =>
  offers(commands, typed, (prefix) =>
    ['web-1', 'web-2', 'two words'].filter((name) => name.startsWith(prefix)),
  ).map(({ word }) => word);

describe('completion', () => {
  test.each([
    ['devi', ['device']],
    ['device qua', ['quarantine']],
    ['device show we', ['web-1', 'web-2']],
    ['device show two', ["'two words'"]],
    ['device list --sta', ['--state']],
    ['device list --state on', ['online']],
    ['run web-1 -- rm ', []],
    ['no-such-noun x', []],
  ])('%j offers %j', (typed, expected) => expect(words(typed)).toEqual(expected));

  test('every noun is offered at the beginning', () => {
    for (const noun of ['device', 'job', 'run', 'status']) expect(words('')).toContain(noun);
  });
});

test.each([
  ['a b', ['a', 'b']],
  ["sh -c 'echo a; b'", ['sh', '-c', 'echo a; b']],
  ['say "it\'s"', ['say', "it's"]],
  ['a\\ b c', ['a b', 'c']],
  ["empty ''", ['empty', '']],
  ['  ', []],
])('%j is the words %j', (text, expected) => expect(splitWords(text)).toEqual(expected));

test('a quote that is open is no command yet', () => expect(splitWords("echo 'a")).toBeUndefined());
