/** The engine's own certificates, as time goes by: an engine that has stood for years cannot be waited for. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { engineChecks } from '../../../src/daemon/doctor/checks.ts';
import type { Check } from '../../../src/protocol/engine.ts';
import { type OpenStore, openStore } from '../../store/open.ts';

const DAY = 86_400_000;
let open: OpenStore;
beforeEach(async () => {
  open = await openStore();
});
afterEach(() => open.close());

const withDaysLeft = async (left: { authority: number; server: number }): Promise<Map<string, Check>> => {
  const checks = await engineChecks({
    version: '0.1.0',
    state: open.directory,
    clock: { now: () => 1_000 * DAY, monotonic: () => 0 },
    store: open.store,
    diskUsage: async () => ({ free: 1, total: 2, percent_free: 50 }),
    certificates: () => ({
      authority: (1_000 + left.authority) * DAY,
      server: (1_000 + left.server) * DAY,
    }),
    tunnelNetwork: async () => undefined,
    vpn: () => [],
    unknownVariables: [],
  });
  return new Map(checks.map((check) => [check.id, check]));
};

test.each([
  [{ authority: 181, server: 8 }, 'ok', 'ok'],
  [{ authority: 180, server: 8 }, 'warn', 'ok'],
  [{ authority: 181, server: 7 }, 'ok', 'fail'],
  [{ authority: 1, server: 1 }, 'warn', 'fail'],
  [{ authority: -1, server: -1 }, 'fail', 'fail'],
] as const)('%j days left: authority %s, certificate %s', async (left, authority, server) => {
  const checks = await withDaysLeft(left);
  expect([checks.get('authority')?.state, checks.get('server_certificate')?.state]).toEqual([
    authority,
    server,
  ]);
  for (const id of ['authority', 'server_certificate']) {
    const { state, message, remedy } = checks.get(id)!;
    expect(remedy === null, id).toBe(state === 'ok');
    const days = id === 'authority' ? left.authority : left.server;
    expect(message).toContain(days < 0 ? 'has ended' : `${days} `);
    expect(message).not.toMatch(/\b1 days/);
  }
});
