/** Writing through `Store.write`, against bare better-sqlite3: the same rows into the same table, synchronous=FULL. */
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import type { TelemetryTable } from '../src/store/schema.ts';
import { SqliteStore } from '../src/store/sqlite.ts';
import type { Benchmark, Ground } from './bench.ts';
import { deviceRow, telemetryRow } from './fleet/rows.ts';
import { inTurns, median, rate } from './measure.ts';

const DEVICES = 1_000;
const BATCH = 500;

/** A fresh store with devices for the rows to belong to, closed or handed on. */
const stocked = async (path: string): Promise<SqliteStore> => {
  const store = await SqliteStore.open(path);
  await store.write(async (tx) => {
    for (let i = 0; i < DEVICES; i++) await tx.db.insertInto('device').values(deviceRow(i)).execute();
  });
  return store;
};

/** Rows in the order in which a fleet sends them: each device in turn, one after the other. */
const source = (): ((count: number) => TelemetryTable[]) => {
  let sent = 0;
  return (count) => Array.from({ length: count }, () => telemetryRow(sent++, DEVICES));
};

const openBare = (ground: Ground, path: string) => {
  const db = new BetterSqlite3(path);
  ground.atEnd(() => void db.close());
  db.pragma('synchronous = FULL');
  db.pragma('foreign_keys = ON');
  const columns = Object.keys(telemetryRow(0, DEVICES));
  const insert = db.prepare(
    `insert into telemetry (${columns.join(', ')}) values (${columns.map((name) => `@${name}`).join(', ')})`,
  );
  const together = db.transaction((rows: readonly TelemetryTable[]) => {
    for (const row of rows) insert.run(row);
  });
  return { insert, together };
};

export const benchmark: Benchmark = {
  name: 'store',
  summary: 'telemetry rows a second, on disk',
  async run(ground) {
    const batches = ground.settings.quick ? 4 : 40;
    const singles = ground.settings.quick ? 100 : 1_000;
    const directory = ground.directory('store');
    const store = await stocked(join(directory, 'ours.db'));
    ground.atEnd(() => store.close());
    await (await stocked(join(directory, 'bare.db'))).close();
    const bare = openBare(ground, join(directory, 'bare.db'));
    const [ours, theirs] = [source(), source()];
    const put = (rows: TelemetryTable[]): Promise<unknown> =>
      store.write((tx) => tx.db.insertInto('telemetry').values(rows).execute());

    const found = await inTurns(ground.settings.quick ? 3 : 7, {
      batches: () =>
        rate(batches * BATCH, async () => {
          for (let i = 0; i < batches; i++) await put(ours(BATCH));
        }),
      bareBatches: () =>
        rate(batches * BATCH, () => {
          for (let i = 0; i < batches; i++) bare.together(theirs(BATCH));
        }),
      singles: () =>
        rate(singles, async () => {
          for (const row of ours(singles)) await put([row]);
        }),
      bareSingles: () =>
        rate(singles, () => {
          for (const row of theirs(singles)) bare.insert.run(row);
        }),
      together: () => rate(singles, () => Promise.all(ours(singles).map((row) => put([row])))),
    });
    return [
      {
        what: 'store, transactions of 500 rows',
        unit: '/s',
        measured: median(found.batches),
        floor: median(found.bareBatches),
        floorOf: 'bare, transactions of 500',
      },
      {
        what: 'store, one row after the other',
        unit: '/s',
        measured: median(found.singles),
        floor: median(found.bareSingles),
        floorOf: 'bare, one by one',
      },
      {
        what: `store, ${singles} writers of one row at once`,
        unit: '/s',
        measured: median(found.together),
        floor: median(found.bareSingles),
        floorOf: 'bare, one by one',
        note: 'group commit: below 1 × means that it is faster than the floor.',
      },
    ];
  },
};
