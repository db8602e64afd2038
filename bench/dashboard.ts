/** The dashboard in a pty, against an engine with many devices, at rest and in a storm of events. */
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { KEY, Screen } from '../test/tui/screen.ts';
import type { Benchmark, Ground } from './bench.ts';
import { guidOf } from './fleet/rows.ts';
import { inTurns, median, percentile } from './measure.ts';
import { bareNode, cpuMs, EngineProcess, residentKib } from './processes.ts';
import type { Row } from './row.ts';
import { stockDevices } from './stock.ts';

const DEVICES = 10_000;
const FEW = 100;
const EVENTS_PER_S = 1_000;
/** What is behind the selected line, in 24-bit colour: a frame that moves it says so. */
const SELECTED = '48;2;44;65;82';

interface Setting {
  readonly engine: EngineProcess;
  readonly home: string;
  readonly screen?: string;
}

const open = ({ engine, home, screen = 'device' }: Setting): Screen =>
  new Screen({
    env: { BOREALIS_SOCKET: engine.socket, HOME: home, COLORTERM: 'truecolor' },
    args: ['--screen', screen],
    columns: 120,
    rows: 40,
  });

/** Milliseconds from the start of the process until the whole screen was written for the first time. */
const firstFrame = async (setting: Setting): Promise<number> => {
  const begun = performance.now();
  const screen = open({ ...setting, screen: 'overview' });
  const { promise, resolve } = Promise.withResolvers<number>();
  // The footer is the last line of a frame.
  screen.onPiece = (text) => text.includes('quit') && resolve(performance.now() - begun);
  const took = await promise;
  screen.press('q');
  await screen.ended;
  screen.dispose();
  return took;
};

/** Milliseconds from each key to the frame that shows what it did. */
const keys = async (screen: Screen, count: number): Promise<number[]> => {
  const found: number[] = [];
  for (let i = 0; i < count; i++) {
    const { promise, resolve } = Promise.withResolvers<void>();
    screen.onPiece = (text) => text.includes(SELECTED) && resolve();
    const begun = performance.now();
    screen.press(Math.floor(i / 30) % 2 === 0 ? KEY.down : KEY.up);
    await promise;
    found.push(performance.now() - begun);
    await sleep(25);
  }
  screen.onPiece = undefined;
  return found;
};

interface Use {
  /** Bytes a second that were written to the terminal. */
  readonly bytes: number;
  /** Milliseconds of a processor a second. */
  readonly cpu: number;
}

const use = async (screen: Screen, seconds: number): Promise<Use> => {
  const before = { bytes: screen.bytes, cpu: cpuMs(screen.pid), at: performance.now() };
  await sleep(seconds * 1_000);
  const passed = (performance.now() - before.at) / 1_000;
  return {
    bytes: (screen.bytes - before.bytes) / passed,
    cpu: (cpuMs(screen.pid) - before.cpu) / passed,
  };
};

/** Changes devices through the API, each an event, until it is told to end; resolves with how many. */
const storm = (socket: string, { signal }: { readonly signal: AbortSignal }): Promise<number> => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  let sent = 0;
  const change = (index: number): Promise<void> =>
    new Promise((resolve) => {
      const body = JSON.stringify({ set: { storm: String(index) } });
      const request = http.request({
        socketPath: socket,
        agent,
        method: 'PUT',
        path: `/api/v1/devices/${guidOf(index % DEVICES)}/tags`,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      });
      request.on('response', (response) => response.resume().on('end', resolve));
      request.on('error', () => resolve());
      request.end(body);
    });
  const begun = performance.now();
  const worker = async (): Promise<void> => {
    while (!signal.aborted) {
      const due = ((performance.now() - begun) / 1_000) * EVENTS_PER_S;
      if (sent > due) await sleep(5);
      else await change(sent++);
    }
  };
  return Promise.all(Array.from({ length: 8 }, worker)).then(() => {
    agent.destroy();
    return sent;
  });
};

export const benchmark: Benchmark = {
  name: 'dashboard',
  summary: `the dashboard, with ${DEVICES.toLocaleString('en')} devices and ${EVENTS_PER_S.toLocaleString('en')} events a second`,
  async run(ground) {
    const { quick } = ground.settings;
    const [few, many] = [await engineWith(ground, FEW), await engineWith(ground, DEVICES)];
    const begun = await inTurns(quick ? 3 : 15, { bare: bareNode, first: () => firstFrame(many) });
    const small = await opened(few);
    const large = await opened(many);
    let clears = 0;
    const count = (text: string): void => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is counted
      clears += text.match(/\u001b\[[0-3]?J|\u001bc/g)?.length ?? 0;
    };
    const keyed = { few: await keys(small, quick ? 40 : 200), many: await keys(large, quick ? 40 : 200) };
    small.dispose();
    large.onPiece = count;
    const idle = await use(large, quick ? 5 : 30);
    const calm = residentKib(large.pid);
    const end = new AbortController();
    const counted = storm(many.engine.socket, end);
    const stormBegan = performance.now();
    await sleep(2_000);
    const inList = await use(large, quick ? 5 : 60);
    const keyedInStorm = await keys(large, quick ? 40 : 200);
    large.onPiece = count;
    large.press('1');
    await sleep(1_000);
    const inEvents = await use(large, quick ? 5 : 60);
    const most = residentKib(large.pid);
    end.abort();
    const rate = (await counted) / ((performance.now() - stormBegan) / 1_000);
    large.dispose();
    const floor = median(begun.bare);
    const ms = (what: string, measured: number, promised?: Row['promised'], note?: string): Row => ({
      what,
      unit: 'ms',
      measured,
      floor,
      floorOf: 'node -e 0',
      ...(promised && { promised }),
      ...(note && { note }),
    });
    const note = `${Math.round(rate)} events a second reached it`;
    const written = (what: string, { bytes }: Use, atMost: number, note?: string): Row => ({
      what,
      unit: 'KiB',
      measured: bytes / 1_024,
      floor: 1,
      floorOf: 'a KiB a second',
      promised: { atMost },
      ...(note && { note }),
    });
    const busy = (what: string, { cpu }: Use, promised?: Row['promised']): Row => ({
      what,
      unit: 'ms/s',
      measured: cpu,
      floor: 1_000,
      floorOf: 'one processor',
      ...(promised && { promised }),
    });
    const resident = (what: string, kib: number, promised?: Row['promised']): Row => ({
      what,
      unit: 'MiB',
      measured: kib / 1_024,
      floor: 42,
      floorOf: 'bare Node',
      ...(promised && { promised }),
    });
    return [
      ms('dashboard: first whole frame', median(begun.first), { ratio: 10 }),
      ms(`dashboard: key to frame, p95, ${FEW} devices`, percentile(keyed.few, 0.95), { atMost: 33 }),
      ms(`dashboard: key to frame, p95, ${DEVICES} devices`, percentile(keyed.many, 0.95), { atMost: 33 }),
      ms('dashboard: key to frame, p95, in the storm', percentile(keyedInStorm, 0.95), { atMost: 33 }, note),
      written('dashboard: written a second, nothing changes', idle, 1),
      written('dashboard: written a second, storm, list of devices', inList, 20, note),
      written('dashboard: written a second, storm, overview', inEvents, 20, note),
      {
        what: 'dashboard: full clears between frames',
        unit: 'times',
        measured: clears,
        floor: 1,
        floorOf: 'a clear',
        promised: { atMost: 0 },
      },
      busy('dashboard: processor, nothing changes', idle),
      busy('dashboard: processor, storm', inEvents, { atMost: 250 }),
      resident('dashboard: resident, before the storm', calm),
      resident('dashboard: resident, after the storm', most, { atMost: 150 }),
    ];
  },
};

const engineWith = async (ground: Ground, devices: number): Promise<Setting> => {
  const state = ground.directory(`dashboard-${devices}`);
  await stockDevices(state, devices);
  const engine = await EngineProcess.start(state);
  ground.atEnd(() => engine.stop());
  return { engine, home: ground.directory('home') };
};

const opened = async (setting: Setting): Promise<Screen> => {
  const screen = open(setting);
  await screen.until('host-00005');
  await sleep(1_500);
  return screen;
};
