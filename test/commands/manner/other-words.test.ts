import { expect, test } from 'vitest';
import { showHelp } from '../../../src/commands/manner/help.ts';
import { otherNouns } from '../../../src/commands/manner/other-words.ts';
import { resolveCommand } from '../../../src/commands/manner/resolve.ts';
import { commands } from '../../../src/commands/table.ts';

const ids = Object.keys(commands);
const next = async (line: string): Promise<string> => {
  const argv = line.split(' ');
  const error = await showHelp(resolveCommand(argv, ids), argv).catch((thrown: unknown) => thrown);
  return (error as { next: string }).next;
};

test.each([
  ['ssh web-1', 'Did you mean: borealisctl shell?'],
  ['exec web-1', 'Did you mean: borealisctl run?'],
  ['enroll', 'Did you mean: borealisctl code create?'],
  ['nodes', 'Did you mean: borealisctl device list?'],
  ['device delete web-1', 'Did you mean: borealisctl device remove, or borealisctl device revoke?'],
  ['user add ada', 'Did you mean: borealisctl user grant?'],
  ['vpn rm office', 'Did you mean: borealisctl vpn delete?'],
  ['device lst', 'Did you mean: borealisctl device list?'],
  ['constructor', 'See them all with: borealisctl --help'],
  ['device hasOwnProperty', 'device knows: '],
])('%s: %s', async (line, expected) => expect(await next(line)).toContain(expected));

test('what is offered is there', () => {
  for (const word of ['agent', 'ssh', 'scp', 'peers', 'top', 'token', 'port-forward', 'metrics', 'logs'])
    for (const meant of otherNouns(word))
      expect(resolveCommand(meant.split(' '), ids).kind, word).not.toBe('unknown');
});
