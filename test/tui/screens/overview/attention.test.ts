import { afterEach, expect, test } from 'vitest';
import { BorealisError } from '../../../../src/protocol/errors.ts';
import type { App } from '../../../../src/tui/app/app.ts';
import { concerns } from '../../../../src/tui/screens/overview/attention.ts';
import { Frames, ToldEngine } from '../../frames.tsx';

const NOW = Date.parse('2026-03-01T12:00:00.000Z');
const at = (ms: number): string => new Date(NOW + ms).toISOString();
const request = {
  ...{ id: 'df390861f10c857e', hostname: 'web', fingerprint: 'f', key_fingerprint: 'k', context: 'system' },
  ...{ os: 'linux', arch: 'x64', agent_version: '1', address: null, site: null, state: 'waiting' },
  ...{ requested_at: at(0), expires_at: at(3_600_000), decided_by: null, decided_at: null, device: null },
  conflict: null,
};
const status = {
  ready: true,
  devices: { total: 1, online: 1, offline: 0, quarantined: 0, revoked: 0 },
  ...{ jobs_running: 0, jobs_queued: 0, tunnels: 0, approvals_waiting: 1, signature_failures: 0 },
  ...{ uptime_seconds: 1, version: '1', store: { size_bytes: 1 }, ha: [] },
  warnings: [
    {
      code: 'approvals_waiting',
      message: 'One agent waits for approval.',
      next: 'borealisctl approval list',
    },
    { code: 'disk', message: 'The disk is nearly full.', next: 'Make room.' },
  ],
};

let frames: Frames | undefined;
afterEach(() => frames?.close());

test('what needs somebody is named once', async () => {
  const engine = new ToldEngine({
    'status.show': () => status,
    'approval.list': () => [request],
    'device.list': () => ({ items: [], next_cursor: null }),
  });
  frames = await Frames.start(engine, { now: () => NOW, columns: 80, rows: 24 });
  await frames.until('The disk is nearly full.');
  const text = await frames.until('1 agent waits for approval');
  expect(text).not.toContain('One agent waits');
});

test('of a job with a long command it is told how it went, and what to do', async () => {
  const title = `sh -c 'df -h / | tail -1; echo "no such volume" >&2; exit 3'`;
  const job = { id: 'j', kind: 'command', state: 'failed', title, created_at: at(-180_000), counts: {} };
  const nothing = { value: [] };
  const store = { status: {}, approvals: nothing, pairs: nothing, devices: { byGuid: new Map() } };
  const app = { store: { ...store, jobs: { value: [job] } }, now: () => NOW } as unknown as App;
  const [{ text, next } = { text: '', next: '' }] = concerns(app);
  expect(text).toMatch(/^“sh -c 'df -h.*…” failed 3 min ago$/);
  // Beside each other in a terminal of 80 columns.
  expect(text.length + next.length).toBeLessThan(70);
});

test('an engine that is away: the way out is told to its end at 80 columns', async () => {
  const away = (): never => {
    throw new BorealisError('ENGINE_UNREACHABLE', {
      detail:
        'There is no socket at /var/lib/somewhere/far/away/borealis/run/borealisd.sock, so no engine runs there.',
    });
  };
  frames = await Frames.start(new ToldEngine({ 'status.show': away }), {
    now: () => NOW,
    columns: 80,
    rows: 24,
  });
  await frames.until('What you see is from');
  await frames.until(/borealisctl\s+daemon\s+start/);
});
