import { expect, test } from 'vitest';
import { asTyped } from '../../../src/commands/manner/typed.ts';
import { commands } from '../../../src/commands/table.ts';
import { BorealisError } from '../../../src/protocol/errors.ts';

const said = async (id: string, detail: string): Promise<string | undefined> => {
  const { default: command } = await commands[id]!.load();
  return asTyped(new BorealisError('INVALID_INPUT', { detail }), command, id).detail;
};

test.each([
  ['code create', 'expires_in: must be at least 60.', '--expires: must be at least 60 seconds.'],
  ['code create', 'uses: must be at least 1.', '--uses: must be at least 1.'],
  ['code create', 'tags.env: no white space at either end.', '--tag env: no white space at either end.'],
  [
    'vpn create',
    'local_subnets.1: not a network; listen_port: must be at least 1; mtu: odd.',
    '--local-subnet: not a network; --port: must be at least 1; --mtu: odd.',
  ],
  ['ha enable', 'lease_seconds: must be at most 30.', '--lease: must be at most 30 seconds.'],
  ['tunnel ports', 'ports.0: no port.', '--set: no port.'],
  ['device rename', 'name: a name must not look like a GUID.', 'NAME: a name must not look like a GUID.'],
  [
    'device quarantine',
    'device: must have at most 253 characters.',
    'DEVICES: must have at most 253 characters.',
  ],
])('of %s: %s', async (id, detail, words) => expect(await said(id, detail)).toBe(words));

test.each([
  ['code create', 'work.argv: must have at least 1 entries.'],
  ['code create', 'That is not HTTP.'],
  ['code create', 'allow: 1.2.3.4 has no network.'],
])('of what the command line has nothing of, nothing changes: %s, %s', async (id, detail) =>
  expect(await said(id, detail)).toBe(detail),
);

test('the next step leads to the help of the command, where the engine names no better one', async () => {
  const { default: command } = await commands['code create']!.load();
  const usual = new BorealisError('INVALID_INPUT', { detail: 'uses: odd.' });
  expect(asTyped(usual, command, 'code create').next).toBe(
    'Correct it and try again; see: borealisctl code create --help',
  );
  const better = new BorealisError('INVALID_INPUT', { detail: 'uses: odd.', next: 'Count again.' });
  expect(asTyped(better, command, 'code create').next).toBe('Count again.');
  const other = new BorealisError('INTERNAL', { detail: 'uses: odd.' });
  expect(asTyped(other, command)).toBe(other);
});
