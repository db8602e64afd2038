import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Check, Status } from '../../../src/protocol/engine.ts';
import { VERSION } from '../../../src/protocol/version.ts';
import type { DeviceTable } from '../../../src/store/schema.ts';
import { SqliteStore } from '../../../src/store/sqlite.ts';
import { contextRow, deviceRow } from '../../store/rows.ts';
import { TestEngine } from '../engine.ts';

const DAY = 86_400_000;
let engine: TestEngine | undefined;
afterEach(async () => {
  await engine?.close();
  engine = undefined;
});

/** An engine with one device, whose certificate ends in so many days, and some others. */
const withDevice = async (
  device: Partial<DeviceTable>,
  days = 30,
  others: readonly (Pick<DeviceTable, 'guid' | 'name'> & Partial<DeviceTable>)[] = [],
): Promise<Map<string, Check>> => {
  const state = join(mkdtempSync(join(tmpdir(), 'borealis-doctor-')), 'state');
  mkdirSync(state, { mode: 0o700 });
  const store = await SqliteStore.open(join(state, 'borealis.db'));
  await store.write(async ({ db }) => {
    const row = deviceRow({ guid: 'g1', name: 'web1', agent_version: VERSION, ...device });
    await db.insertInto('device').values(row).execute();
    for (const other of others)
      await db
        .insertInto('device')
        .values(deviceRow({ agent_version: VERSION, ...other }))
        .execute();
    const context = { ...contextRow('g1', 'k'), certificate_not_after: Date.now() + days * DAY };
    await db.insertInto('device_context').values(context).execute();
  });
  await store.close();
  engine = await TestEngine.start({ state });
  const { body } = await engine.call('GET', '/doctor');
  return new Map((body as Check[]).map((check) => [check.id, check]));
};

test('a sound engine has nothing to mend', async () => {
  const checks = await withDevice({});
  expect([...checks.keys()]).toEqual(
    expect.arrayContaining([
      'disk',
      'authority',
      'server_certificate',
      'agent_certificates',
      'agent_versions',
      'device_clocks',
    ]),
  );
  for (const [id, check] of checks) {
    if (id !== 'disk') expect(check, id).toMatchObject({ state: 'ok', remedy: null });
  }
});

test.each([
  ['agent_certificates', {}, 3, /web1/],
  ['agent_versions', { agent_version: '0.0.1' }, 30, /web1 \(0\.0\.1\)/],
  ['device_clocks', { clock_offset_ms: -90_000 }, 30, /web1 \(-90 s\)/],
] as const)('%s: found, named, with a remedy, and a warning of status', async (id, device, days, says) => {
  const checks = await withDevice(device, days);
  expect(checks.get(id)).toMatchObject({
    state: 'warn',
    message: expect.stringMatching(says),
    remedy: expect.stringMatching(/\w/),
  });
  const { warnings } = (await engine!.call('GET', '/status')).body as Status;
  expect(warnings.map((warning) => warning.code)).toContain(id);
});

test.each([
  [-3_600_400, /clock of the engine/],
  [45_000, /on these devices/],
])('clocks of several devices, the second %i ms off', async (clock_offset_ms, remedy) => {
  const checks = await withDevice({ clock_offset_ms: -3_599_000 }, 30, [
    { guid: 'g2', name: 'web2', clock_offset_ms },
    { guid: 'g3', name: 'web3', clock_offset_ms: 20 },
  ]);
  expect(checks.get('device_clocks')?.message).toMatch(/: web1 \(-3599 s\), web2 \(-?\d+ s\)\.$/);
  expect(checks.get('device_clocks')?.remedy).toMatch(remedy);
});

test('a revoked device is nobody’s concern', async () => {
  const checks = await withDevice({ state: 'revoked', agent_version: '0.0.1', clock_offset_ms: 90_000 }, 1);
  for (const id of ['agent_certificates', 'agent_versions', 'device_clocks'])
    expect(checks.get(id)?.state).toBe('ok');
});
