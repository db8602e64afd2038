/** keepalived as it is in Debian, on both nodes of a pair: it decides, the duties follow. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { requireKeepalived } from '../../../src/agent/ha/keepalived/program.ts';
import { requires } from '../../require.ts';
import { beginBoth, has, makeDutyPair } from './lab/duty-pair.ts';
import { NORTH, SOUTH } from './pair.ts';

const needs = requires('root', 'linux', 'namespaces', 'ip', 'setpriv', 'keepalived');
/** A machine that is busy takes its time. */
const soon = <T>(look: () => T) => expect.poll(look, { timeout: 30_000 });
const NOTHING = { processes: '', address: false, files: false };

describe('a pair under keepalived', needs, () => {
  test('the preferred node has it; given, it moves at once; nothing is left behind', async () => {
    const { north, south } = await makeDutyPair('keepalived');
    await beginBoth(north, south);
    await has(north);
    expect(south.has).toBe(false);
    expect(statSync(north.directory).mode & 0o777).toBe(0o700);
    expect(statSync(join(north.directory, 'keepalived.conf')).mode & 0o777).toBe(0o600);
    await soon(() => north.told?.history).toMatchObject([{ reason: 'first', from: null, to: NORTH }]);
    await soon(() => south.told?.state).toMatchObject({ role: 'standby', other_heard: true, stranger: null });
    north.order('give');
    await has(south);
    expect(north.has).toBe(false);
    await soon(() => north.told?.state.role).toBe('standby');
    await soon(() => south.told?.history).toMatchObject([{ reason: 'planned', from: NORTH, to: SOUTH }]);
    // Its timer without it: three adverts, each of a second.
    expect(south.told?.history[0]?.gap_ms).toBeLessThan(1_000);
    // In order: the other one has it again.
    await south.close();
    await has(north);
    expect(south.leftBehind).toEqual(NOTHING);
    await soon(() => north.told?.history.at(-1)).toMatchObject({ reason: 'stopped', from: SOUTH, to: NORTH });
    await north.close();
    expect(north.leftBehind).toEqual(NOTHING);
  });

  test.each(['keepalived', 'vrrp'] as const)(
    'the other one has it when its process %s is killed; it begins again as standby',
    async (which) => {
      const { north, south } = await makeDutyPair('keepalived');
      await beginBoth(north, south);
      await has(north);
      await soon(() => south.told?.state.other_heard).toBe(true);
      const killed = north.keepalived(which);
      north.kill(killed);
      await has(south);
      await soon(() => north.has).toBe(false);
      await soon(() => north.told?.isHolder).toBe(false);
      expect(north.told?.failure).toMatch(/keepalived ended/);
      expect(north.told?.state.role).toBe('failed');
      await soon(() => south.told?.history).toMatchObject([{ from: NORTH, to: SOUTH }]);
      // Another one runs, and lets the other one have it.
      await soon(() => north.leftBehind.processes).toBe('keepalived,keepalived');
      expect(north.has).toBe(false);
      expect(south.has).toBe(true);
    },
  );

  test('it ends with the agent, however that ends; what is left after all was killed goes first', async () => {
    const { north, south } = await makeDutyPair('keepalived');
    await beginBoth(north, south);
    await has(north);
    north.kill(north.agent);
    await has(south);
    await soon(() => north.leftBehind).toEqual({ ...NOTHING, files: true });
    north.begin();
    await soon(() => north.told?.state).toMatchObject({ role: 'standby', other_heard: true });
    south.kill(south.keepalived('vrrp'), south.keepalived('keepalived'), south.agent);
    await has(north);
    expect(south.leftBehind).toEqual({ processes: '', address: true, files: true });
    south.begin();
    await soon(() => south.has).toBe(false);
    await soon(() => south.told?.state.role).toBe('standby');
    expect(north.has).toBe(true);
  });

  test('a node that is behind does not take it', async () => {
    const { north, south } = await makeDutyPair('keepalived');
    await beginBoth(north, south);
    await has(north);
    south.order('behind');
    await soon(() => south.told?.state.role).toBe('behind');
    await north.close();
    // Longer than VRRP waits; it is taken as soon as that may be.
    await expect(has(south, 5_000)).rejects.toThrow();
    expect(south.has).toBe(false);
    south.order('abreast');
    await soon(() => south.told?.state.role).toBe('standby');
    await has(south);
  });
});

test('where keepalived is not installed, its package is named', async () => {
  const empty = mkdtempSync(join(tmpdir(), 'borealis-path-'));
  onTestFinished(() => rmSync(empty, { recursive: true }));
  await expect(requireKeepalived(empty)).rejects.toMatchObject({
    code: 'PROGRAM_MISSING',
    next: 'Install it: apt-get install keepalived',
  });
});
