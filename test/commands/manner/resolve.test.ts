import { expect, test } from 'vitest';
import { resolveCommand } from '../../../src/commands/manner/resolve.ts';

const ids = ['status', 'run', 'device list', 'device show', 'code create', 'event watch'];
const meant = (line: string) => resolveCommand(line === '' ? [] : line.split(' '), ids);

test.each([
  ['device list --json', 'device list', ['--json']],
  ['devices list', 'device list', []],
  ['--json device list web', 'device list', ['--json', 'web']],
  ['--socket /x device list', 'device list', ['--socket', '/x']],
  ['status', 'status', []],
  ['run web-1 -- device list', 'run', ['web-1', '--', 'device', 'list']],
])('%s', (line, id, argv) => expect(meant(line)).toEqual({ kind: 'command', id, argv }));

test('a noun alone, and nothing at all, ask for an overview', () => {
  expect(meant('device')).toEqual({ kind: 'overview', noun: 'device' });
  expect(meant('')).toEqual({ kind: 'overview', noun: undefined });
});

test('a plural alone most likely asks for the list', () => {
  expect(meant('devices')).toEqual({ kind: 'plural', typed: 'devices', noun: 'device', rest: [] });
  expect(meant('--json devices --state online')).toMatchObject({
    rest: ['--json', '--state', 'online'],
  });
  // No list of these: what there is, or the command itself.
  expect(meant('codes')).toEqual({ kind: 'overview', noun: 'code' });
  expect(meant('runs')).toMatchObject({ kind: 'command', id: 'run' });
});

test('what is not known, and beneath which noun', () => {
  expect(meant('devcie list')).toEqual({ kind: 'unknown', typed: 'devcie', noun: undefined });
  expect(meant('device lst')).toEqual({ kind: 'unknown', typed: 'lst', noun: 'device' });
});
