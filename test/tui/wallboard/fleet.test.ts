import { expect, test } from 'vitest';
import type { Device } from '../../../src/protocol/device.ts';
import type { Status } from '../../../src/protocol/engine.ts';
import type { Event } from '../../../src/protocol/event.ts';
import type { TelemetrySample } from '../../../src/protocol/telemetry.ts';
import { Fleet } from '../../../src/tui/wallboard/fleet.ts';
import { withoutColour } from '../../../src/tui/wallboard/plain-output.ts';
import { withCharacters } from '../../../src/tui/wallboard/stand-ins.ts';
import { bar, inColumns } from '../../../src/tui/wallboard/text.ts';

const NOW = Date.parse('2026-03-01T12:00:00.000Z');
const at = (ms: number): string => new Date(ms).toISOString();
const device = (name: string, rest: Partial<Device> = {}): Device => ({
  guid: name,
  name,
  hostname: name,
  os: 'linux',
  arch: 'x64',
  site: null,
  tags: {},
  state: 'online',
  last_seen: at(NOW),
  agent_version: '1',
  address: null,
  contexts: [],
  fingerprint: 'f',
  enrolled_at: at(NOW),
  clock_offset_ms: 0,
  ...rest,
});
const sample = (cpu: number, rest: Partial<TelemetrySample> = {}): TelemetrySample => ({
  at: at(NOW),
  cpu_percent: cpu,
  load_1m: null,
  memory_used_bytes: 50,
  memory_total_bytes: 100,
  swap_used_bytes: null,
  disk_used_bytes: null,
  disk_total_bytes: null,
  network_rx_bytes_per_s: 10,
  network_tx_bytes_per_s: null,
  uptime_seconds: 1,
  processes: null,
  ...rest,
});
const status = {
  approvals_waiting: 2,
  // The same once more, as the engine warns of it: not to be counted twice.
  warnings: [{ code: 'approvals_waiting', message: '2 agents wait for approval.', next: '' }],
} as unknown as Status;
const event = (type: Event['type'], guid: string | null, ms = NOW): Event => ({
  id: 1,
  at: at(ms),
  type,
  device: guid,
  guid,
  message: type,
  data: {},
});

const fleet = (): Fleet => {
  const made = new Fleet(3);
  made.load([device('a', { site: 'berlin' }), device('b', { site: 'berlin' }), device('c')], status);
  return made;
};

test('the load is that of who is online and measured lately', () => {
  const made = fleet();
  made.measured('a', sample(20));
  made.measured('b', sample(40));
  made.measured('c', sample(90, { at: at(NOW - 200_000) }));
  made.tick(NOW);
  expect(made.points).toEqual([{ at: NOW, cpu: 30, memory: 50, received: 20, sent: 0 }]);
  made.happened(event('device.offline', 'b'));
  made.tick(NOW);
  expect(made.points.at(-1)?.cpu).toBe(20);
});

test('of nothing there is no load, rather than none', () => {
  const made = fleet();
  made.tick(NOW);
  expect(made.points[0]).toMatchObject({ cpu: null, memory: null });
});

test('no more points than it was told to keep', () => {
  const made = fleet();
  for (let tick = 0; tick < 10; tick++) made.tick(NOW + tick);
  expect(made.points.map((point) => point.at - NOW)).toEqual([7, 8, 9]);
});

test('sites, the largest first, with how many are there', () => {
  const made = fleet();
  made.measured('a', sample(20));
  made.happened(event('device.offline', 'b'));
  expect(made.sites(NOW)).toEqual([
    { site: 'berlin', devices: 2, online: 1, cpu: 20 },
    { site: '(none)', devices: 1, online: 1, cpu: null },
  ]);
});

test('what needs somebody, the gravest first', () => {
  const made = fleet();
  made.happened(event('device.offline', 'c'));
  made.happened(event('security.alert', null));
  made.happened(event('security.alert', null, NOW - 7_200_000));
  made.measured('a', sample(97, { disk_used_bytes: 95, disk_total_bytes: 100 }));
  expect(made.alerts(NOW).map(({ text }) => text)).toEqual([
    '1 security alert in the last hour',
    '1 device offline',
    'a: disk 95% full',
    'a: CPU 97%',
    '2 approvals waiting',
  ]);
});

test('only what changes the lists has them read again', () => {
  const made = fleet();
  expect(made.happened(event('device.online', 'a'))).toBe(false);
  expect(made.happened(event('job.finished', null))).toBe(false);
  expect(made.happened(event('device.online', 'unheard of'))).toBe(true);
  expect(made.happened(event('approval.requested', null))).toBe(true);
});

test('a device that is gone is forgotten with its measurements', () => {
  const made = fleet();
  made.measured('a', sample(20));
  made.load([device('c')], status);
  expect([made.total, made.loads(NOW)]).toEqual([1, []]);
});

test('texts in columns: wide letters, cut ones, and none that draw by themselves', () => {
  expect(withCharacters(inColumns('web 1', 6))).toBe('web 1 ');
  expect(inColumns('a name that is long', 8)).toBe('a name …');
  expect(inColumns('{red-fg}x\u001b[2J', 14)).toMatch(/^\(red-fg\)x.\[2J $/);
  expect([bar(0, 4), bar(50, 4), bar(250, 4)]).toEqual(['░░░░', '██░░', '████']);
});

test('each character of a name is as many units as columns to blessed, and placed where it stands on the terminal', () => {
  const E = '\u001b';
  const wide = (character: string): string => `  ${E}7${E}[2D${character}${E}8`;
  expect(inColumns('東京', 6)).toHaveLength(6);
  expect(withCharacters(inColumns('東京', 6))).toBe(`${wide('東')}${wide('京')}  `);
  expect(withCharacters(inColumns('🏢a🇩🇪👍🏽❤️', 9))).toBe(
    `${wide('🏢')}a${wide('🇩🇪')}${wide('👍🏽')}${wide('❤️')}`,
  );
  expect(withCharacters(inColumns('cafe\u0301!', 5))).toBe(`caf ${E}7${E}[1De\u0301${E}8!`);
  // Half of a wide one is not drawn; one of private use is not taken for a stand-in.
  expect(inColumns('ab東', 3)).toBe('ab…');
  expect(withCharacters(inColumns('\ue000x', 2))).toBe(` ${E}7${E}[1D\ue000${E}8x`);
});

test('without colours, with all else', () => {
  const E = '\u001b[';
  expect(withoutColour(`${E}1;31mx${E}m${E}38;5;12;7my${E}48;2;1;2;3mz${E}2J${E}0;97m`)).toBe(
    `${E}1mx${E}m${E}7myz${E}2J${E}0m`,
  );
});
