/**
 * An hour of a dashboard that somebody uses while the fleet storms, in five minutes: its clock runs twelve times as fast
 * (quick-clock.cjs), and twelve times as many events and measurements come to it (amplifier.ts), so that it does in each
 * of its own seconds what it does in a second otherwise.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KEY, Screen } from '../../test/tui/screen.ts';
import type { Ground } from '../bench.ts';
import { guidsOf } from '../fleet/rows.ts';
import { median } from '../measure.ts';
import { cpuMs, type EngineProcess, residentKib } from '../processes.ts';
import type { Row } from '../row.ts';
import { Amplifier } from './amplifier.ts';
import { startStorm } from './storm.ts';

const FACTOR = 12;
const HOUR_S = 3_600;
/** Of its own clock. */
const QUICK_S = 720;
/** 150 MB. */
export const PROMISED_MIB = 143;
const SAMPLES = 60;
/** Overview, devices, audit, devices: each for a few samples, with a key a sample. */
const WALK = ['1', '2', '0', '2'];
const SAMPLES_EACH = 5;

export interface Hour {
  readonly engine: EngineProcess;
  readonly devices: number;
  readonly eventsPerS: number;
}

export const hour = async (ground: Ground, { engine, devices, eventsPerS }: Hour): Promise<Row[]> => {
  const directory = ground.directory('hour');
  const amplifier = new Amplifier({ engine: engine.socket, devices, eventsPerS, factor: FACTOR });
  const socket = join(directory, 'sock');
  await amplifier.start(socket);
  const screen = new Screen({
    env: {
      BOREALIS_SOCKET: socket,
      HOME: directory,
      COLORTERM: 'truecolor',
      NODE_OPTIONS: `--require ${join(import.meta.dirname, 'quick-clock.cjs')}`,
      BENCH_CLOCK: String(FACTOR),
    },
    args: ['--screen', 'device'],
    columns: 120,
    rows: 40,
  });
  const storm = startStorm(engine.socket, guidsOf(devices), eventsPerS);
  try {
    await screen.until('host-00005');
    const length = ground.settings.quick ? QUICK_S : HOUR_S;
    const before = { cpu: cpuMs(screen.pid), at: performance.now(), events: amplifier.events };
    const resident: number[] = [];
    for (let i = 0; i < SAMPLES; i++) {
      if (i % SAMPLES_EACH === 0) screen.press(WALK[(i / SAMPLES_EACH) % WALK.length]!);
      screen.press(KEY.down);
      const due = before.at + ((i + 1) * length * 1_000) / FACTOR / SAMPLES;
      await sleep(Math.max(0, due - performance.now()));
      resident.push(residentKib(screen.pid) / 1_024);
      if (i % 10 === 9) ground.say(`${i + 1} of ${SAMPLES}: ${resident.at(-1)!.toFixed(0)} MiB`);
    }
    const passed = ((performance.now() - before.at) / 1_000) * FACTOR;
    const cpu = (cpuMs(screen.pid) - before.cpu) / passed;
    const events = amplifier.events - before.events;
    const third = Math.floor(SAMPLES / 3);
    const [first, last] = [median(resident.slice(0, third)), median(resident.slice(-third))];
    const note =
      `${(passed / 60).toFixed(0)} minutes of its clock, which ran ${FACTOR} times as fast: ${events.toLocaleString('en')} ` +
      `events (${Math.round(events / passed)} in each of its seconds), ${amplifier.samples.toLocaleString('en')} measurements`;
    const mib = { unit: 'MiB', floor: 42, floorOf: 'bare Node' } as const;
    return [
      { what: 'dashboard: hour, resident, its first third', ...mib, measured: first, note },
      {
        what: 'dashboard: hour, resident, its last third',
        ...mib,
        measured: last,
        promised: { atMost: PROMISED_MIB },
      },
      {
        ...{ what: 'dashboard: hour, resident, the most in it', ...mib },
        ...{ measured: Math.max(...resident), promised: { atMost: PROMISED_MIB } },
      },
      {
        ...{ what: 'dashboard: hour, processor', unit: 'ms/s', measured: cpu, promised: { atMost: 250 } },
        ...{ floor: 1_000, floorOf: 'one processor' },
      },
    ];
  } finally {
    await storm.end();
    screen.dispose();
    amplifier.close();
  }
};
