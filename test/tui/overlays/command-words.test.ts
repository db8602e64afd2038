import { describe, expect, test } from 'vitest';
import { describeCommands } from '../../../src/commands/local/completion/words.ts';
import { offers, splitWords, usageOf, wordsOf } from '../../../src/tui/overlays/command-words.ts';

const commands = await describeCommands();
const words = (typed: string): string[] =>
  offers(
    commands,
    typed,
    ['web-1', 'web-2', 'two words'].map((word) => ({ word, note: '' })),
  ).map(({ word }) => word);

describe('completion', () => {
  test.each([
    ['devi', ['device']],
    ['device qua', ['quarantine']],
    ['device show we', ['web-1', 'web-2']],
    ['device show two', ["'two words'"]],
    ['device list --sta', ['--state']],
    ['device list --state on', ['online']],
    ['device list --state=on', ['online']],
    ['shell --attach=we', ['web-1', 'web-2']],
    ["device show 'two w", ["'two words'"]],
    ['device show two\\ ', ["'two words'"]],
    ['shell --attach we', ['web-1', 'web-2']],
    ['run --timeout we', []],
    ['status we', []],
    ['run web-1 -- rm ', []],
    ['no-such-noun x', []],
  ])('%j offers %j', (typed, expected) => expect(words(typed)).toEqual(expected));

  test('every noun is offered at the beginning', () => {
    for (const noun of ['device', 'job', 'run', 'status']) expect(words('')).toContain(noun);
  });
});

test.each([
  ['vpn create ', 'vpn create NAME --endpoint HOST:PORT --pool CIDR [FLAGS]'],
  ['vpn create office', 'vpn create NAME --endpoint HOST:PORT --pool CIDR [FLAGS]'],
  ['run web-1', 'run DEVICE… [FLAGS] -- COMMAND…'],
  ['shell web-1', 'shell [DEVICE] [FLAGS]'],
  ['shell kill ', 'shell kill SHELL [FLAGS]'],
  ['vpn', undefined],
  ['vpn ', undefined],
  ['run', undefined],
  ['no-such-noun x', undefined],
])('%j is used like %j', (typed, expected) => expect(usageOf(commands, typed)).toBe(expected));

test.each([
  ['a b', ['a', 'b']],
  ["sh -c 'echo a; b'", ['sh', '-c', 'echo a; b']],
  ['say "it\'s"', ['say', "it's"]],
  ['a\\ b c', ['a b', 'c']],
  ["empty ''", ['empty', '']],
  ['  ', []],
])('%j is the words %j', (text, expected) => expect(splitWords(text)).toEqual(expected));

test.each([
  ['device show we', 12],
  ["device show 'two w", 12],
  ['device show ', 12],
  ['device list --site=be', 19],
  ['device show two\\ w', 12],
  ['device list --site="be', 19],
])('%j: what is completed begins at %i', (typed, start) => expect(wordsOf(typed).start).toBe(start));

test('a quote that is open is no command yet', () => expect(splitWords("echo 'a")).toBeUndefined());
