/** borealisctl, from the launcher in bin/ to its exit, against the start of bare Node. */
import { join } from 'node:path';
import type { Benchmark } from './bench.ts';
import { nameOf } from './fleet/rows.ts';
import { inTurns, median } from './measure.ts';
import { bareNode, binary, childrenCpuMs, EngineProcess, runTime } from './processes.ts';
import type { Row } from './row.ts';
import { stockDevices } from './stock.ts';

const DEVICES = 20;
const MANY = 10_000;
const device = nameOf(7);

/** Every command that changes nothing and ends by itself. */
const COMMANDS: readonly (readonly string[])[] = [
  ['status', '--json'],
  ['device', 'list', '--json'],
  ['device', 'list'],
  ['device', 'show', device],
  ['telemetry', 'show', device],
  ['code', 'list'],
  ['approval', 'list'],
  ['job', 'list'],
  ['script', 'list'],
  ['user', 'list'],
  ['audit', 'list'],
  ['audit', 'verify'],
  ['config', 'show'],
  ['doctor'],
  ['--help'],
  ['device', '--help'],
  ['device', 'list', '--help'],
  ['--version'],
  ['completion', 'bash'],
];
/** Named in the promise itself. */
const CHIEF = new Set(['status --json', 'device list --json']);

const engineWith = async (directory: string, devices: number): Promise<EngineProcess> => {
  const state = join(directory, `with-${devices}`);
  await stockDevices(state, devices);
  return EngineProcess.start(state);
};

export const benchmark: Benchmark = {
  name: 'cli',
  summary: 'borealisctl from its start to its end',
  async run(ground) {
    const { quick } = ground.settings;
    const directory = ground.directory('cli');
    const engine = await engineWith(directory, DEVICES);
    ground.atEnd(() => engine.stop());
    const full = await engineWith(directory, MANY);
    ground.atEnd(() => full.stop());
    const borealisctl =
      (args: readonly string[], { socket } = engine) =>
      () =>
        runTime(binary('borealisctl'), args, { BOREALIS_SOCKET: socket });

    const spent: Record<string, number> = {};
    /** Processor time of all its runs together: the kernel tells it in steps that are too coarse for one. */
    const spending = (name: string, run: () => number) => () => {
      const before = childrenCpuMs();
      const took = run();
      spent[name] = (spent[name] ?? 0) + childrenCpuMs() - before;
      return took;
    };
    const found = await inTurns(quick ? 3 : 25, {
      bare: spending('bare', bareNode),
      all: borealisctl(['device', 'list', '--json'], full),
      // What the shells' completions run for a device's name.
      names: borealisctl(
        ['completion', 'names', `--begins=${device.slice(0, -2)}`, '--', 'device', 'show'],
        full,
      ),
      ...Object.fromEntries(
        COMMANDS.map((args) => [args.join(' '), spending(args.join(' '), borealisctl(args))]),
      ),
    } as Record<string, () => number>);
    const rows = COMMANDS.map((args): Row => {
      const name = args.join(' ');
      return {
        what: `borealisctl ${name}`,
        unit: 'ms',
        measured: median(found[name]!),
        floor: median(found.bare!),
        floorOf: 'node -e 0',
        promised: { ratio: CHIEF.has(name) ? 3 : 3.3 },
        note: `${(spent[name]! / spent.bare!).toFixed(2)} × its processor time.`,
      };
    });
    const names = {
      unit: 'ms',
      measured: median(found.names!),
      floor: median(found.bare!),
      floorOf: 'node -e 0',
    } as const;
    return [
      ...rows,
      { what: `completion of a device's name, ${MANY} devices`, ...names, promised: { ratio: 3.3 } },
      { what: 'the same, in milliseconds', ...names, promised: { atMost: 100 } },
      {
        what: `borealisctl device list --json, ${MANY} devices`,
        unit: 'ms',
        measured: median(found.all!),
        floor: median(found.bare!),
        floorOf: 'node -e 0',
        promised: { atMost: 300 },
      },
    ];
  },
};
