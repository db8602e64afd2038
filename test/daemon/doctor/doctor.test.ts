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

/** An engine with one device, whose certificate ends in so many days. */
const withDevice = async (device: Partial<DeviceTable>, days = 30): Promise<Map<string, Check>> => {
  const state = join(mkdtempSync(join(tmpdir(), 'borealis-doctor-')), 'state');
  mkdirSync(state, { mode: 0o700 });
  const store = await SqliteStore.open(join(state, 'borealis.db'));
  await store.write(async ({ db }) => {
    const row = deviceRow({ guid: 'g1', name: 'web1', agent_version: VERSION, ...device });
    await db.insertInto('device').values(row).execute();
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

test('a revoked device is nobody’s concern', async () => {
  const checks = await withDevice({ state: 'revoked', agent_version: '0.0.1', clock_offset_ms: 90_000 }, 1);
  for (const id of ['agent_certificates', 'agent_versions', 'device_clocks'])
    expect(checks.get(id)?.state).toBe('ok');
});
