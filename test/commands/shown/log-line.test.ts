import { expect, test } from 'vitest';
import { Output } from '../../../src/commands/manner/output.ts';
import { readTerminal } from '../../../src/commands/manner/terminal.ts';
import { logText } from '../../../src/commands/shown/log-line.ts';

const out = new Output({ json: false, quiet: false, terminal: readTerminal({}, true) });
const line = {
  time: '2026-03-01T12:00:00.000Z',
  level: 'warn',
  component: 'vpn',
  msg: 'it takes longer',
} as const;

test('of an error people see the message, in one line, and no stack', () => {
  const err = {
    type: 'CommandError',
    message: 'nft failed.\nNo such file',
    stack: 'CommandError: nft\n    at run (x:1)',
  };
  const text = logText(out, { ...line, err, vpn: 'office' });
  expect(text).toContain('err="nft failed.\\nNo such file" vpn=office');
  expect(text).not.toContain('at run');
});

test('another object is shown as it is', () => {
  expect(logText(out, { ...line, counts: { stack: 1 } })).toContain('counts={"stack":1}');
});
