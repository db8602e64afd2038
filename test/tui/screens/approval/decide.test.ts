import { afterEach, expect, test } from 'vitest';
import type { Approval } from '../../../../src/protocol/approval.ts';
import { Frames, ToldEngine } from '../../frames.tsx';

const NOW = Date.parse('2026-03-01T12:00:00.000Z');
const KEY = 'c78d0dfa326bebb127d44f0c1a1dc7acce9f0807378d5020348feaca065518d6';
const approval = (conflict: Approval['conflict']): Approval => ({
  ...{ id: 'df390861f10c857e', hostname: 'web', fingerprint: KEY.toUpperCase(), key_fingerprint: KEY },
  ...{ context: 'system', os: 'linux', arch: 'x64', agent_version: '1', address: '192.0.2.7', site: null },
  ...{ requested_at: new Date(NOW).toISOString(), expires_at: new Date(NOW + 3_600_000).toISOString() },
  ...{ state: 'waiting', decided_by: null, decided_at: null, device: null },
  conflict,
});

let frames: Frames | undefined;
afterEach(() => frames?.close());
const decide = async (conflict: Approval['conflict']): Promise<string> => {
  const engine = new ToldEngine({
    'approval.list': () => [approval(conflict)],
    'device.list': () => ({ items: [], next_cursor: null }),
  });
  frames = await Frames.start(engine, { now: () => NOW, columns: 80, rows: 24 });
  frames.press('3');
  await frames.until('waiting');
  frames.press('enter');
  await frames.until('Deny');
  return frames.overlay;
};

test('the key is to be seen to its end at 80 columns', async () => {
  await decide({ kind: 'hostname', device: 'web', guid: 'g' } as never);
  frames?.press('esc');
  // All of it in the lines of the card, whatever is in between.
  await frames?.until((text) => text.replaceAll(/[│\s]/g, '').includes(KEY));
});

test('another name is offered for a host name that is taken, and not for the same machine, which it does not make two', async () => {
  expect(await decide({ kind: 'hostname', device: 'web', guid: 'g' } as never)).toContain(
    'under another name',
  );
  frames?.close();
  const same = await decide({ kind: 'fingerprint', device: 'web', guid: 'g' } as never);
  expect(same).toContain('Merge');
  expect(same).not.toContain('under another name');
});
