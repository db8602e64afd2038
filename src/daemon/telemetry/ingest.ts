/**
 * Measurements on their way into the store: gathered for a second, written in one transaction. They are
 * not acknowledged, so a write that fails loses them, which is counted and logged: the next ones come in 30 seconds.
 */
import type { Logger } from 'pino';
import type { TelemetrySample } from '../../protocol/telemetry.ts';
import { Compiled } from '../../store/compiled.ts';
import type { TelemetryTable } from '../../store/schema.ts';
import type { Database, Store, Transaction } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';

const GATHER_MS = 1_000;
const BATCH = 1_000;
/** Beyond these a device's clock is wrong, and the time of arrival says more than the device does. */
const AHEAD_MS = 600_000;
const BEHIND_MS = 86_400_000;

export interface Measured {
  readonly guid: string;
  /** Name of the device. */
  readonly device: string;
  readonly sample: TelemetrySample;
}

export interface IngestParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** After the commit. */
  readonly stored: (measured: readonly Measured[]) => void;
}

type Values = readonly (string | number | null)[];

export class TelemetryIngest {
  readonly #parts: IngestParts;
  readonly #insert: Compiled<Values>;
  #waiting: Measured[] = [];
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  /** Samples that were not stored since the start. */
  lost = 0;

  constructor(parts: IngestParts) {
    this.#parts = parts;
    this.#insert = new Compiled(
      parts.store.read
        .insertInto('telemetry')
        .values(rowOf('', EMPTY, 0))
        .onConflict((conflict) => conflict.doNothing()),
    );
  }

  take(measured: Measured): void {
    this.#waiting.push(measured);
    if (this.#waiting.length >= BATCH) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), GATHER_MS);
  }

  async close(): Promise<void> {
    this.#flush();
    await this.#writing;
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#waiting;
    this.#waiting = [];
    if (batch.length > 0) this.#writing = this.#write(batch);
  }

  async #write(batch: readonly Measured[]): Promise<void> {
    const { store, log, stored } = this.#parts;
    try {
      stored(await store.write((tx) => this.#store(tx, batch)));
    } catch (error) {
      const known = await existing(store.read, batch).catch(() => batch);
      // One of a device that was removed since it measured breaks the whole batch: rare enough not to look each time.
      if (known.length < batch.length) return this.#write(known);
      this.lost += batch.length;
      log.error({ err: error, samples: batch.length, lost: this.lost }, 'telemetry could not be stored');
    }
  }

  /** Returns what was stored. */
  async #store(tx: Transaction, batch: readonly Measured[]): Promise<readonly Measured[]> {
    const now = this.#parts.clock.now();
    const measured = batch.map((one) => stamped(one, now));
    for (const { guid, sample } of measured)
      await this.#insert.run(tx.db, Object.values(rowOf(guid, sample, Date.parse(sample.at))));
    return measured;
  }
}

/** Of devices that there are. */
const existing = async (db: Database, batch: readonly Measured[]): Promise<readonly Measured[]> => {
  const guids = [...new Set(batch.map(({ guid }) => guid))];
  const rows = await db.selectFrom('device').select('guid').where('guid', 'in', guids).execute();
  const known = new Set(rows.map((row) => row.guid));
  return batch.filter(({ guid }) => known.has(guid));
};

const stamped = (measured: Measured, now: number): Measured => {
  const at = Date.parse(measured.sample.at);
  if (at <= now + AHEAD_MS && at >= now - BEHIND_MS) return measured;
  return { ...measured, sample: { ...measured.sample, at: new Date(now).toISOString() } };
};

const EMPTY: TelemetrySample = {
  at: '1970-01-01T00:00:00.000Z',
  cpu_percent: 0,
  load_1m: 0,
  memory_used_bytes: 0,
  memory_total_bytes: 0,
  swap_used_bytes: 0,
  disk_used_bytes: 0,
  disk_total_bytes: 0,
  network_rx_bytes_per_s: 0,
  network_tx_bytes_per_s: 0,
  uptime_seconds: 0,
  processes: 0,
};

/** Keys in one order always: the compiled statement counts on it. */
const rowOf = (guid: string, sample: TelemetrySample, at: number): TelemetryTable => ({
  guid,
  at,
  cpu_percent: sample.cpu_percent,
  load_1m: sample.load_1m,
  memory_used_bytes: sample.memory_used_bytes,
  memory_total_bytes: sample.memory_total_bytes,
  swap_used_bytes: sample.swap_used_bytes,
  disk_used_bytes: sample.disk_used_bytes,
  disk_total_bytes: sample.disk_total_bytes,
  network_rx_bytes_per_s: sample.network_rx_bytes_per_s,
  network_tx_bytes_per_s: sample.network_tx_bytes_per_s,
  uptime_seconds: sample.uptime_seconds,
  processes: sample.processes,
});
