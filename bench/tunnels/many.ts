/** Many tunnels on one engine: how fast they come up, and what a change to one of them costs then. */
import type { Host } from '../../test/lab/host.ts';
import { Lab } from '../../test/lab/lab.ts';
import { ENGINE_ADDRESS } from '../../test/lab/network.ts';
import { Process } from '../../test/lab/processes.ts';
import type { Ground } from '../bench.ts';
import { median, timed } from '../measure.ts';
import { cpuMsWithChildren, ended, raiseFileLimit, startHelper } from '../processes.ts';
import type { Row } from '../row.ts';

/** Operators, or one with a script. */
const AT_ONCE = 64;
const PROMISED = 200;

export const manyRows = async (ground: Ground): Promise<Row[]> => {
  const count = ground.settings.quick ? 100 : 1_000;
  const lab = await Lab.start(['fleet']);
  try {
    const file = lab.path('fleet.json');
    const { child } = await startHelper('fleet/prepare.ts', [lab.path('engine'), file, String(count)]);
    await ended(child);
    const engine = await lab.startEngine();
    raiseFileLimit(engine.pid!, count * 2 + 1_000);
    const fleet = await startFleet(lab.device('fleet'), file, count * 4 + 1_000);
    await fleet.until(({ stdout }) => stdout.includes('started'), 'the fleet is online');

    const names = (await lab.client.call('device.list', { limit: count })).items.map(({ name }) => name);
    let next = 0;
    const connect = async (): Promise<void> => {
      for (let index = next++; index < names.length; index = next++) {
        const { transport } = await lab.client.call('tunnel.connect', { device: names[index]! });
        if (transport !== 'udp') throw new Error(`${names[index]} came up by ${transport}`);
      }
    };
    const ends = () => ({
      engine: cpuMsWithChildren(engine.pid!) + wireGuardMs(lab.engine),
      devices: cpuMsWithChildren(fleet.pid!),
    });
    const before = ends();
    const took = await timed(() => Promise.all(Array.from({ length: AT_ONCE }, connect)));
    const after = ends();
    const cpu = {
      engine: (after.engine - before.engine) / names.length,
      devices: (after.devices - before.devices) / names.length,
    };
    const up = await lab.client.call('tunnel.list', {});
    if (up.length !== names.length) throw new Error(`${up.length} tunnels of ${names.length} are up`);
    const changes: number[] = [];
    for (const [index, device] of names.slice(0, 20).entries())
      changes.push(
        await timed(() => lab.client.call('tunnel.allow', { device, ports: [`${2_000 + index}`] })),
      );
    await fleet.kill('SIGKILL');
    return [
      {
        what: `${names.length} tunnels on one engine, coming up`,
        unit: '/s',
        measured: (names.length * 1_000) / took,
        floor: PROMISED,
        floorOf: 'the promise',
        promised: { atLeast: PROMISED },
        note: `${AT_ONCE} at once; all of the devices are one process on this machine, whose WireGuard is made by hand.`,
      },
      {
        what: `one of them: processor of the engine's machine`,
        unit: 'ms',
        measured: cpu.engine,
        floor: cpu.devices,
        floorOf: 'the devices, made by hand',
        note: 'with its wireguard-go and all that it starts; the devices of a fleet have processors of their own.',
      },
      {
        what: `ports of one tunnel of ${names.length}, changed`,
        unit: 'ms',
        measured: median(changes),
        floor: median(changes),
        floorOf: 'itself',
      },
    ];
  } finally {
    await lab.dispose();
  }
};

/** Of the wireguard-go there, if there is one. */
const wireGuardMs = (host: Host): number => {
  const pids = [...host.run('sh', '-c', 'pgrep -x wireguard-go || true').matchAll(/\d+/g)].map(Number);
  const numbers = pids.map((pid) =>
    host
      .run('cat', `/proc/${pid}/stat`)
      .replace(/^.*\) /s, '')
      .split(' '),
  );
  return numbers.reduce((sum, fields) => sum + (Number(fields[11]) + Number(fields[12])) * 10, 0);
};

const startFleet = async (host: Host, file: string, files: number): Promise<Process> => {
  host.run('mkdir', '/run/fleet');
  const script = `${import.meta.dirname}/fleet.ts`;
  const args = ['--no-warnings', script, file, ENGINE_ADDRESS, '8443', '/run/fleet'];
  return new Process(
    process.execPath,
    args,
    {},
    {
      within: [...host.enter, 'prlimit', `--nofile=${files}:${files}`],
    },
  );
};
