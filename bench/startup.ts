/** From the start of borealisd to its READY, on a store of 1 GB. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Benchmark } from './bench.ts';
import { inTurns, median } from './measure.ts';
import { bareNode, EngineProcess } from './processes.ts';
import { stockDevices, stockTelemetry } from './stock.ts';

const GB = 1e9;

export const benchmark: Benchmark = {
  name: 'startup',
  summary: 'borealisd to READY on a store of 1 GB',
  async run(ground) {
    const { quick } = ground.settings;
    const state = join(ground.directory('startup'), 'state');
    ground.say('making the store');
    await stockDevices(state, 10_000);
    stockTelemetry(state, quick ? GB / 20 : GB);
    const size = statSync(join(state, 'borealis.db')).size;
    // The very first start makes the keys; that is no usual start.
    await (await EngineProcess.start(state)).stop();
    const start = (end: NodeJS.Signals) => async () => {
      const engine = await EngineProcess.start(state);
      await engine.stop(end);
      return engine.readyMs;
    };
    const found = await inTurns(quick ? 3 : 15, {
      engine: start('SIGTERM'),
      bare: bareNode,
      killed: start('SIGKILL'),
    });
    ground.say(`after a clean stop or a kill, in turn: ${found.engine.map(Math.round).join(' ')} ms`);
    return [
      {
        what: `borealisd to READY, store of ${(size / GB).toFixed(2)} GB`,
        unit: 'ms',
        measured: median([...found.engine, ...found.killed]),
        floor: median(found.bare),
        floorOf: 'node -e 0',
        promised: { ratio: 15 },
        note: 'half of the starts come after kill -9, and so recover the write-ahead log first; files are in the page cache.',
      },
    ];
  },
};
