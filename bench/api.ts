/** The local API with 50,000 devices in the store, against an echo of the same bytes over the same kind of socket. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Benchmark, Ground } from './bench.ts';
import { guidOf, nameOf } from './fleet/rows.ts';
import { inTurns, percentile } from './measure.ts';
import { allProcessors, EngineProcess, keepOn, startHelper } from './processes.ts';
import { RawHttp } from './raw-http.ts';
import type { Row } from './row.ts';
import { stockDevices } from './stock.ts';

interface Servers {
  readonly engine: EngineProcess;
  readonly echoSocket: string;
  /** Makes the echo answer as the engine does now. */
  teach(path: string): Promise<number>;
}

const start = async (ground: Ground, devices: number): Promise<Servers> => {
  const directory = ground.directory('api');
  const state = join(directory, 'state');
  const echoSocket = join(directory, 'echo.sock');
  await stockDevices(state, devices);
  const engine = await EngineProcess.start(state);
  ground.atEnd(() => engine.stop());
  const { child } = await startHelper('floors/echo.ts', [echoSocket]);
  ground.atEnd(() => void child.kill());
  settle(ground, [engine.pid, child.pid!]);
  return {
    engine,
    echoSocket,
    async teach(path) {
      const client = await RawHttp.connect(engine.socket);
      const { body } = await client.get(path);
      client.close();
      const taken = new Promise((resolve) => child.once('message', resolve));
      child.send([path, body]);
      await taken;
      return body.length;
    },
  };
};

/**
 * Both servers on one processor, this client on another. Otherwise the scheduler puts client and server on the same
 * one at times, where a request takes half as long: whichever of the two servers that befalls more often looks better.
 */
const settle = (ground: Ground, servers: readonly number[]): void => {
  const [ours, theirs] = [0, 1];
  const apart = availableParallelism() > 1 && servers.every((pid) => keepOn(pid, theirs));
  if (apart && keepOn(process.pid, ours)) ground.atEnd(() => void allProcessors(process.pid));
  else ground.say('client and servers cannot be kept on processors of their own: the scheduler has its say');
};

/** Requests between two changes from one server to the other. */
const BLOCK = 10;

/** Latencies of `count` requests over that connection, or each over one of its own. */
const ask = async (
  client: RawHttp,
  { socket, path, count, anew }: { socket: string; path: string; count: number; anew: boolean },
): Promise<number[]> => {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    if (!anew) {
      times.push((await client.get(path)).ms);
      continue;
    }
    const begun = performance.now();
    const own = await RawHttp.connect(socket);
    await own.get(path);
    times.push(performance.now() - begun);
    own.close();
  }
  return times;
};

const compare = async (
  { engine, echoSocket, teach }: Servers,
  what: string,
  path: string,
  { rounds, count = BLOCK, anew = false }: { rounds: number; count?: number; anew?: boolean },
): Promise<{ rows: Row[]; bytes: number }> => {
  const bytes = await teach(path);
  const [ours, theirs] = [await RawHttp.connect(engine.socket), await RawHttp.connect(echoSocket)];
  const subjects = {
    engine: () => ask(ours, { socket: engine.socket, path, count, anew }),
    echo: () => ask(theirs, { socket: echoSocket, path, count, anew }),
  };
  // What V8 makes of code that has run often is part of what is measured.
  await inTurns(Math.ceil(rounds / 4), subjects);
  const found = await inTurns(rounds, subjects);
  ours.close();
  theirs.close();
  const row = (name: string, share: number): Row => ({
    what: `${what}, ${name}`,
    unit: 'ms',
    measured: percentile(found.engine, share),
    floor: percentile(found.echo, share),
    floorOf: `echo of ${bytes} bytes, ${name}`,
  });
  return { bytes, rows: [{ ...row('p50', 0.5), promised: { ratio: 2.5 } }, row('p99', 0.99)] };
};

export const benchmark: Benchmark = {
  name: 'api',
  summary: 'the local API over its Unix socket',
  async run(ground) {
    const { quick } = ground.settings;
    const devices = quick ? 5_000 : 50_000;
    const size = { rounds: quick ? 60 : 400 };
    ground.say(`making a store of ${devices} devices`);
    const servers = await start(ground, devices);
    const middle = Math.floor(devices / 2);
    const rows: Row[] = [];
    for (const [what, path] of [
      ['status.show', '/api/v1/status'],
      ['device.show by name', `/api/v1/devices/${nameOf(middle)}`],
      ['device.show by GUID', `/api/v1/devices/${guidOf(middle)}`],
      ['device.list of 20', '/api/v1/devices?limit=20'],
    ] as const)
      rows.push(...(await compare(servers, what, path, size)).rows);
    const anew = { rounds: size.rounds / 2, anew: true };
    rows.push(...(await compare(servers, 'status.show, connection each', '/api/v1/status', anew)).rows);

    // A page holds 10,000 at most, so this is all the devices of an engine with so many.
    const all = await compare(servers, 'device.list of 10,000', '/api/v1/devices?limit=10000', {
      rounds: quick ? 3 : 15,
      count: 2,
    });
    rows.push({ ...all.rows[0]!, promised: { atMost: 300 } });
    return rows;
  },
};
