/**
 * Pictures of every screen of dashboard and wallboard, made from the cells of a terminal, into docs/pictures: a real engine,
 * real agents, the program in a pty. As root, for the lab. Run it with:  node scripts/pictures.ts [DIRECTORY [NAME…]]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import BetterSqlite3 from 'better-sqlite3';
import { stockDevices } from '../bench/stock.ts';
import { Lab } from '../test/lab/lab.ts';
import { ENGINE_ADDRESS } from '../test/lab/network.ts';
import { binary, Place } from '../test/lab/processes.ts';
import { KEY, Screen } from '../test/tui/screen.ts';
import { DARK, LIGHT, type Paper, pictureOf } from './picture.ts';

const OUT = resolve(process.argv[2] ?? join(import.meta.dirname, '../docs/pictures'));
const OFFLINE = 24;
const ONLINE = ['web-1', 'web-2', 'db-primary', 'mail', '監視サーバー', 'kiosk-🚀-paris'];
const SITES = ['berlin', 'berlin', 'lyon', 'oslo', 'tōkyō', 'lyon'];
const TAGS = [
  { role: 'web' },
  { role: 'web' },
  { role: 'db', tier: '1' },
  { role: 'mail' },
  { role: 'watch' },
  { kind: 'kiosk' },
];
const SAMPLES = 240;
const CTRL_BRACKET = '\u001d';

/** What was measured before the agents of today came. */
const measure = (path: string, devices: readonly { guid: string }[]): void => {
  const db = new BetterSqlite3(path);
  const columns = db.prepare('select * from telemetry limit 0').columns();
  const add = db.prepare(
    `insert or ignore into telemetry values (${columns.map(({ name }) => `@${name}`).join(', ')})`,
  );
  const now = Date.now();
  for (const [index, { guid }] of devices.entries())
    for (let i = 1; i <= SAMPLES; i++) {
      const wave = Math.sin((i + 17 * index) / 9) + Math.sin((i * (index + 2)) / 23);
      const cpu = Math.max(2, Math.min(99, 28 + 9 * index + 22 * wave));
      add.run({
        guid,
        at: now - i * 30_000,
        cpu_percent: cpu,
        load_1m: cpu / 40,
        memory_used_bytes: Math.round(8e9 * (0.35 + 0.08 * index + 0.05 * wave)),
        memory_total_bytes: 8e9,
        swap_used_bytes: 0,
        disk_used_bytes: Math.round(1e11 * (0.4 + 0.09 * index)),
        disk_total_bytes: 1e11,
        network_rx_bytes_per_s: Math.max(0, 4e5 * (1.2 + wave)),
        network_tx_bytes_per_s: Math.max(0, 9e4 * (1.4 + Math.cos(i / 7))),
        uptime_seconds: 86_400 * 12 - i * 30,
        processes: 180,
      });
    }
  db.close();
};

const populate = async (place: Place, env: Record<string, string> = {}): Promise<void> => {
  await stockDevices(place.path('engine'), OFFLINE);
  await place.startEngine([], env);
  const { client } = place;
  const names = [
    'backup-nas',
    'build-7',
    'camera-yard',
    'erp-old',
    'gateway-oslo',
    'printer-2f',
    'till-03',
    'till-04',
  ];
  const stocked = (await client.call('device.list', {})).items;
  for (const [index, device] of stocked.entries())
    await client.call('device.rename', {
      device: device.guid,
      name: names[index] ?? `till-${String(index).padStart(2, '0')}`,
    });
  for (const [index, name] of ONLINE.entries()) {
    await place.startDevice(name);
    const [site, tags] = [SITES[index], TAGS[index]];
    await client.call('device.tag', {
      device: name,
      ...(tags && { set: tags as Record<string, string> }),
      ...(site && { site }),
    });
  }
  const online = (await client.call('device.list', { state: 'online' })).items;
  measure(place.path('engine', 'borealis.db'), online);
  await client.call('device.quarantine', { device: 'erp-old' });
  await client.call('device.revoke', { device: 'till-03' });
  const body =
    '#!/bin/sh\n# Frees what packages have left behind.\nset -eu\napt-get clean\njournalctl --vacuum-time=7d\ndf -h /\n';
  await client.call('script.add', {
    name: 'free-space',
    language: 'shell',
    body,
    description: 'Frees what packages left behind',
  });
  await client.call('script.add', {
    name: 'report',
    language: 'python',
    body: 'import platform\nprint(platform.platform())\n',
    description: 'Says what the machine is',
  });
  await place.run(['uname', '-a'], ['web-1', 'web-2', 'mail']);
  await place.run(
    ['sh', '-c', 'df -h / | tail -1; echo "no such volume" >&2; exit 3'],
    ['db-primary', 'web-1'],
  );
  await client.call('job.create', {
    devices: ['till-04', 'build-7'],
    work: { kind: 'command', argv: ['systemctl', 'restart', 'till'] },
    ttl: 86_400,
  });
  await place.client.call('code.create', {
    address: await place.agentAddress(),
    uses: 25,
    site: 'lyon',
    tags: { role: 'web' },
  });
  // Two wait: one that is new, one that says it is a machine that is known.
  for (const name of ['new-laptop', 'web-1']) {
    const { link } = await place.code();
    place.agent(`waiting-${name}`, ['enroll', '-'], { BOREALIS_AGENT_FINGERPRINT: name }, `${link}\n`);
    await place.event('approval.requested', () => true, await place.newestEvent().then((id) => id - 2));
  }
};

/** With tunnels, VPN clients that are there, a recording: as root, in namespaces. */
const populatedLab = async (): Promise<Lab> => {
  const lab = await Lab.start(['north', 'south']);
  await lab.startEngine();
  for (const name of ['north', 'south']) {
    await lab.startDevice(name);
    await lab.json(['tunnel', 'connect', name]);
  }
  const office = [
    '--endpoint',
    `${ENGINE_ADDRESS}:51820`,
    '--pool',
    '10.8.0.0/24',
    '--local-subnet',
    '192.168.5.0/24',
  ];
  await lab.json(['vpn', 'create', 'office', ...office]);
  await lab.json([
    'vpn',
    'create',
    'workshop',
    '--endpoint',
    `${ENGINE_ADDRESS}:51821`,
    '--pool',
    '10.9.0.0/24',
  ]);
  for (const [name, ...more] of [
    ['ada-phone'],
    ['grace-laptop', '--allow', '192.168.5.7/32:443/tcp', '--expires', '30d'],
    ['north-client'],
    ['old-tablet'],
    ['lyon-site', '--site-subnets', '192.168.7.0/24'],
    ['south-client'],
  ] as const)
    await lab.json(['connection', 'add', 'office', name, ...more]);
  for (const name of ['north', 'south']) {
    const file = lab.path(`${name}.conf`);
    await lab.json(['connection', 'config', 'office', `${name}-client`, '--file', file]);
    lab.device(name).run('wg-quick', 'up', file);
    // The first packet makes WireGuard shake hands.
    lab.device(name).run('bash', '-c', 'echo >/dev/udp/10.8.0.1/9');
  }
  await lab.json(['connection', 'disable', 'office', 'old-tablet']);
  const shell = lab.screen(['shell', 'north']);
  try {
    await shell.until(/[#$] *$/m);
    shell.type('uname -a; exit\r');
    await shell.ended;
  } finally {
    shell.kill();
  }
  return lab;
};

/** In the devices' network. */
const FLOATING = '192.168.77.50';

/** Two devices that share an address, which has changed hands, and a client of theirs: as root, in namespaces. */
const pairLab = async (): Promise<Lab> => {
  const lab = await Lab.start(['north', 'south', 'client']);
  await lab.startEngine();
  for (const name of ['north', 'south']) await lab.startDevice(name);
  const office = ['--node', 'north', '--endpoint', `${FLOATING}:51820`, '--pool', '10.8.0.0/24'];
  await lab.json(['vpn', 'create', 'office', ...office]);
  await lab.json(['connection', 'add', 'office', 'client']);
  const nodes = ['--primary', 'north', '--standby', 'south', '--address', `${FLOATING}/24`];
  await lab.json(['ha', 'enable', 'office', ...nodes]);
  const file = lab.path('client.conf');
  await lab.json(['connection', 'config', 'office', 'client', '--file', file]);
  lab.device('client').run('wg-quick', 'up', file);
  lab.device('client').run('bash', '-c', 'echo >/dev/udp/10.8.0.1/9');
  await lab.event('connection.connected');
  for (let switches = 0; switches < 2; switches++) {
    await lab.json(['ha', 'switch', 'office']);
    // The one that gave it away makes itself ready to take it again.
    await sleep(3_000);
  }
  return lab;
};

interface Shot {
  readonly name: string;
  readonly size: readonly [columns: number, rows: number];
  readonly paper?: Paper;
  readonly env?: Record<string, string>;
  readonly args?: readonly string[];
  /** The dashboard, unless told. */
  readonly program?: readonly [string, ...string[]];
  /** Leads to what is to be seen. */
  readonly walk: (screen: Screen) => Promise<void>;
}

const settle = async (screen: Screen): Promise<void> => {
  // Until nothing more is drawn for a moment.
  for (let bytes = -1; bytes !== screen.bytes; ) {
    bytes = screen.bytes;
    await sleep(700);
  }
};

const press =
  (...keys: string[]) =>
  async (screen: Screen): Promise<void> => {
    await screen.until('live');
    for (const key of keys) {
      screen.press(key);
      await settle(screen);
    }
  };

const wall =
  (...keys: string[]) =>
  async (screen: Screen): Promise<void> => {
    await screen.until(/\d devices online|the last hour/);
    for (const key of keys) screen.press(key);
    // Until there is something to draw of what is measured.
    await sleep(WALL_MS);
  };
const WALL_MS = 45_000;
const WALL = [binary('borealisctl'), 'wallboard', '--every', '0'] as const;

const LARGE = [120, 36] as const;
const SMALL = [80, 24] as const;

const SHOTS: readonly Shot[] = [
  { name: 'overview', size: LARGE, walk: press() },
  { name: 'overview-small', size: SMALL, walk: press() },
  { name: 'overview-light', size: LARGE, paper: LIGHT, args: ['--theme', 'light'], walk: press() },
  { name: 'devices', size: LARGE, walk: press('2', KEY.down, ' ', ' ') },
  { name: 'devices-small', size: SMALL, walk: press('2') },
  { name: 'devices-filter', size: LARGE, walk: press('2', '/', 'web') },
  { name: 'devices-without-colours', size: SMALL, env: { NO_COLOR: '1' }, walk: press('2', KEY.down) },
  { name: 'device', size: [150, 44], walk: press('2', '/', 'db-primary', KEY.enter, KEY.right) },
  { name: 'device-small', size: SMALL, walk: press('2', '/', 'db-primary', KEY.enter, KEY.right) },
  { name: 'confirm', size: LARGE, walk: press('2', KEY.down, ' ', ' ', 'V') },
  { name: 'approvals', size: LARGE, walk: press('3') },
  { name: 'approval-decide', size: LARGE, walk: press('3', KEY.enter) },
  { name: 'jobs', size: LARGE, walk: press('4') },
  { name: 'job', size: LARGE, walk: press('4', KEY.down, KEY.enter) },
  { name: 'scripts', size: LARGE, walk: press('5') },
  { name: 'codes', size: LARGE, walk: press('6') },
  { name: 'code-new', size: [110, 40], walk: press('6', 'n', '1') },
  { name: 'audit', size: LARGE, walk: press('0') },
  { name: 'ha-none', size: SMALL, walk: press(':', 'ha', KEY.enter) },
  { name: 'help', size: LARGE, walk: press('2', '?') },
  { name: 'find', size: LARGE, walk: press('2', KEY.ctrlP, 're') },
  { name: 'command', size: LARGE, walk: press('2', ':', 'device re') },
];

/** Taken where devices measure each second. */
const WALL_SHOTS: readonly Shot[] = [
  { name: 'wallboard-fleet', size: [140, 40], program: WALL, walk: wall() },
  { name: 'wallboard-busiest', size: [140, 40], program: WALL, walk: wall(KEY.right) },
  { name: 'wallboard-sites', size: [140, 40], program: WALL, walk: wall(KEY.right, KEY.right) },
  {
    name: 'telemetry-watch',
    size: LARGE,
    program: [binary('borealisctl'), 'telemetry', 'watch', 'web-1', 'db-primary', '監視サーバー'],
    walk: wall(),
  },
];

/** Taken where there are tunnels: on machines of a lab. */
const LAB_SHOTS: readonly Shot[] = [
  { name: 'tunnels', size: LARGE, walk: press('7') },
  { name: 'device-tunnel', size: LARGE, walk: press('2', '/', 'north', KEY.enter, KEY.right) },
  { name: 'vpn', size: LARGE, walk: press('8') },
  { name: 'vpn-connections', size: LARGE, walk: press('8', KEY.enter) },
  { name: 'vpn-connections-small', size: SMALL, walk: press('8', KEY.enter) },
  { name: 'vpn-config', size: LARGE, walk: press('8', KEY.enter, KEY.enter) },
  { name: 'vpn-qr', size: [110, 44], walk: press('8', KEY.enter, KEY.down, KEY.enter, '1') },
  { name: 'vpn-qr-small', size: SMALL, walk: press('8', KEY.enter, KEY.down, KEY.enter, '1') },
  {
    name: 'shells',
    size: [160, 40],
    walk: async (screen) => {
      await press('2', '*', 's')(screen);
      await screen.until((text) =>
        text.split('\n').some((line) => (line.match(/[#$] +│/g) ?? []).length === 2),
      );
      for (const keys of ['uptime\r', CTRL_BRACKET, KEY.tab, KEY.enter, 'ip -brief address\r']) {
        screen.press(keys);
        await settle(screen);
      }
    },
  },
  { name: 'sessions', size: LARGE, walk: press('9') },
];

/** Taken where two devices share an address. */
const PAIR_SHOTS: readonly Shot[] = [
  { name: 'ha', size: LARGE, walk: press(':', 'ha', KEY.enter) },
  { name: 'ha-pair', size: LARGE, walk: press(':', 'ha', KEY.enter, KEY.enter) },
  { name: 'ha-pair-small', size: SMALL, walk: press(':', 'ha', KEY.enter, KEY.enter) },
  { name: 'ha-switch', size: LARGE, walk: press(':', 'ha', KEY.enter, KEY.enter, 's') },
];

const shoot = async (
  place: Place,
  { name, size, paper = DARK, env, args, program, walk }: Shot,
): Promise<void> => {
  const [columns, rows] = size;
  const home = place.path(`home-${name}`);
  const screen = new Screen({
    env: { BOREALIS_SOCKET: place.socket, HOME: home, COLORTERM: 'truecolor', ...env },
    ...(args && { args }),
    ...(program && { program }),
    columns,
    rows,
  });
  try {
    await walk(screen);
    await settle(screen);
    writeFileSync(
      join(OUT, program ? `${name}.svg` : `dashboard-${name}.svg`),
      pictureOf(
        screen.emulator,
        paper,
        program ? `borealisctl ${program.slice(1).join(' ')}` : `borealisctl dashboard: ${name}`,
      ),
    );
  } finally {
    screen.dispose();
  }
};

const FIRST_RUN: Shot = { name: 'first-run', size: LARGE, walk: press() };
const only = process.argv.slice(3);
const wanted = (shots: readonly Shot[]): Shot[] =>
  shots.filter(({ name }) => only.length === 0 || only.includes(name));

const shootAll = async (shots: readonly Shot[], make: () => Promise<Place>): Promise<void> => {
  if (shots.length === 0) return;
  const place = await make();
  try {
    for (const shot of shots) await shoot(place, shot);
  } finally {
    await place.dispose();
  }
};

mkdirSync(OUT, { recursive: true });
await shootAll(wanted([FIRST_RUN]), async () => {
  const place = new Place();
  await place.startEngine();
  return place;
});
await shootAll(wanted(SHOTS), async () => {
  const place = new Place();
  await populate(place);
  return place;
});
await shootAll(wanted(WALL_SHOTS), async () => {
  const place = new Place();
  await populate(place, { BOREALIS_TELEMETRY_SECONDS: '3' });
  return place;
});
await shootAll(wanted(LAB_SHOTS), populatedLab);
await shootAll(wanted(PAIR_SHOTS), pairLab);
