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
  expect(meant('devices --json')).toEqual({ kind: 'overview', noun: 'device' });
  expect(meant('')).toEqual({ kind: 'overview', noun: undefined });
});

test('what is not known, and beneath which noun', () => {
  expect(meant('devcie list')).toEqual({ kind: 'unknown', typed: 'devcie', noun: undefined });
  expect(meant('device lst')).toEqual({ kind: 'unknown', typed: 'lst', noun: 'device' });
});
