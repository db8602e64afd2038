/** Fifty shells that print at full speed, recorded and watched: what that leaves of the engine for other calls. */
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '../src/client/client.ts';
import { SqliteStore } from '../src/store/sqlite.ts';
import type { Benchmark } from './bench.ts';
import { percentile } from './measure.ts';
import { cpuMs, residentKib, startHelper } from './processes.ts';
import { RawHttp } from './raw-http.ts';
import type { Row } from './row.ts';
import { ask } from './shells/ask.ts';

const SHELLS = 50;

const stock = async (state: string, guid: string): Promise<void> => {
  mkdirSync(state, { recursive: true, mode: 0o700 });
  const store = await SqliteStore.open(join(state, 'borealis.db'));
  await store.write(({ db }) =>
    db
      .insertInto('device')
      .values({
        guid,
        name: 'bench',
        hostname: 'bench',
        fingerprint: 'f'.repeat(64),
        os: 'linux',
        arch: 'x64',
        site: null,
        tags_json: '{}',
        state: 'active',
        agent_version: '0',
        address: null,
        token_version: 1,
        clock_offset_ms: null,
        enrolled_at: 0,
        revoked_at: null,
        last_seen_at: null,
      })
      .execute(),
  );
  await store.close();
};

export const benchmark: Benchmark = {
  name: 'shells',
  summary: `${SHELLS} shells that print at full speed`,
  async run(ground) {
    const lasts = ground.settings.quick ? 3_000 : 15_000;
    const guid = randomUUID();
    const state = join(ground.directory('shells'), 'state');
    await stock(state, guid);
    const flood = await startHelper('shells/flood.ts', []);
    ground.atEnd(() => void flood.child.kill());
    const engine = await startHelper('shells/engine.ts', [state, String(flood.ready), guid]);
    ground.atEnd(() => void engine.child.kill());
    const socket = join(state, 'run', 'borealisd.sock');
    const quiet = await ask(socket, ['/api/v1/shells', '/api/v1/sessions?limit=10'], lasts / 3);

    const client = new Client(socket);
    const ids: string[] = [];
    for (let n = 0; n < SHELLS; n++) ids.push((await client.call('shell.create', { device: 'bench' })).id);
    const paths = ['/api/v1/shells', `/api/v1/sessions/${ids[0]}`, '/api/v1/sessions?limit=10'];
    const pid = engine.child.pid!;
    const flooded = async (what: string): Promise<Row[]> => {
      const [cpu, begun, bytes] = [cpuMs(pid), performance.now(), await recorded(socket, ids)];
      const times = await ask(socket, paths, lasts);
      const seconds = (performance.now() - begun) / 1_000;
      const mib = ((await recorded(socket, ids)) - bytes) / 2 ** 20;
      ground.say(
        `${what}: ${times.length} calls, most ${Math.max(...times).toFixed(0)} ms; ${(mib / seconds).toFixed(0)} MiB/s recorded, ` +
          `${((cpuMs(pid) - cpu) / seconds / 10).toFixed(0)}% of a core, ${Math.round(residentKib(pid) / 1_024)} MiB resident`,
      );
      const row = (share: number, name: string): Row => ({
        what: `other calls, ${what}, ${name}`,
        unit: 'ms',
        measured: percentile(times, share),
        floor: percentile(quiet, share),
        floorOf: `the same without shells, ${name}`,
      });
      return [row(0.5, 'p50'), { ...row(0.99, 'p99'), promised: { atMost: 50 } }];
    };
    const rows = await flooded(`${SHELLS} shells recorded`);
    const viewers = await startHelper('shells/viewers.ts', [socket, ...ids]);
    ground.atEnd(() => void viewers.child.kill());
    rows.push(...(await flooded(`${SHELLS} shells recorded and watched`)));
    return rows;
  },
};

/** Bytes of asciicast so far. */
const recorded = async (socket: string, ids: readonly string[]): Promise<number> => {
  const client = await RawHttp.connect(socket);
  let sum = 0;
  for (const id of ids)
    sum += (JSON.parse((await client.get(`/api/v1/sessions/${id}`)).body.toString()) as { bytes: number })
      .bytes;
  client.close();
  return sum;
};
