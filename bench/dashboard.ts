/** The dashboard in a pty, against an engine with many devices, at rest and in a storm of events. */
import { setTimeout as sleep } from 'node:timers/promises';
import { KEY, Screen } from '../test/tui/screen.ts';
import type { Benchmark, Ground } from './bench.ts';
import { hour, PROMISED_MIB } from './dashboard/hour.ts';
import { openOverSsh, type Remote } from './dashboard/over-ssh.ts';
import { startStorm } from './dashboard/storm.ts';
import { guidsOf } from './fleet/rows.ts';
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
  /** Bytes a second that came through ssh from another one, which shows the same. */
  readonly ssh: number | undefined;
  /** Milliseconds of a processor a second. */
  readonly cpu: number;
}

const use = async (screen: Screen, remote: Remote | undefined, seconds: number): Promise<Use> => {
  const sent = remote?.sent() ?? 0;
  const before = { bytes: screen.bytes, cpu: cpuMs(screen.pid), at: performance.now() };
  await sleep(seconds * 1_000);
  const passed = (performance.now() - before.at) / 1_000;
  return {
    bytes: (screen.bytes - before.bytes) / passed,
    ssh: remote && (remote.sent() - sent) / passed,
    cpu: (cpuMs(screen.pid) - before.cpu) / passed,
  };
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
    const remote = await openedRemotely(ground, many);
    const idle = await use(large, remote, quick ? 5 : 30);
    const calm = residentKib(large.pid);
    const storm = startStorm(many.engine.socket, guidsOf(DEVICES), EVENTS_PER_S);
    await sleep(2_000);
    const inList = await use(large, remote, quick ? 5 : 60);
    const keyedInStorm = await keys(large, quick ? 40 : 200);
    large.onPiece = count;
    large.press('1');
    remote?.screen.press('1');
    await sleep(1_000);
    const inEvents = await use(large, remote, quick ? 5 : 60);
    const most = residentKib(large.pid);
    const rate = storm.rate();
    await storm.end();
    large.dispose();
    await remote?.close();
    const inHour = await hour(ground, { engine: many.engine, devices: DEVICES, eventsPerS: EVENTS_PER_S });
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
    const perSecond = (what: string, bytes: number, atMost: number, note?: string): Row => ({
      what,
      unit: 'KiB',
      measured: bytes / 1_024,
      floor: 1,
      floorOf: 'a KiB a second',
      promised: { atMost },
      ...(note && { note }),
    });
    const written = (what: string, { bytes, ssh }: Use, atMost: number, note?: string): Row[] => [
      perSecond(`dashboard: written a second, ${what}`, bytes, atMost, note),
      ...(ssh === undefined
        ? []
        : [perSecond(`dashboard: sent by sshd a second, ${what}`, ssh, atMost, note)]),
    ];
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
      ...written('nothing changes', idle, 1),
      ...written('storm, list of devices', inList, 20, note),
      ...written('storm, overview', inEvents, 20, note),
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
      resident('dashboard: resident, after the storm', most, { atMost: PROMISED_MIB }),
      ...inHour,
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

/** Undefined where there is no sshd to be had: that is said, and the bytes written to the terminal stand for themselves. */
const openedRemotely = async (ground: Ground, { engine, home }: Setting): Promise<Remote | undefined> => {
  try {
    const env = { BOREALIS_SOCKET: engine.socket, HOME: home, COLORTERM: 'truecolor' };
    const remote = await openOverSsh(ground.directory('ssh'), env, ['--screen', 'device']);
    ground.atEnd(remote.close);
    await remote.screen.until('host-00005');
    await sleep(1_500);
    return remote;
  } catch (error) {
    ground.say(`not measured over ssh: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
};
