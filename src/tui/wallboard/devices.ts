/** Charts of one device, or of several side by side: what was measured lately, then what arrives. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../../client/client.ts';
import type { TelemetrySample } from '../../protocol/telemetry.ts';
import { Board } from './board.ts';
import type { Page } from './page.ts';
import { palette } from './palette.ts';
import { lineChart, type Series } from './panels.ts';
import { rate, rateUnit } from './text.ts';

export interface DeviceBoardOptions {
  readonly client: Client;
  readonly signal: AbortSignal;
  readonly colour: boolean;
  /** As they were typed; at least one. */
  readonly devices: readonly string[];
}

const SPAN_MS = 3_600_000;
const POINTS = 120;
const RETRY_MS = 2_000;
const DRAW_MS = 1_000;

interface Measured {
  readonly name: string;
  readonly samples: TelemetrySample[];
}

/** Errors: DEVICE_NOT_FOUND and the engine's others, before the screen is taken. */
export const watchDevices = async ({
  client,
  signal,
  colour,
  devices,
}: DeviceBoardOptions): Promise<void> => {
  const since = new Date(Date.now() - SPAN_MS).toISOString();
  const measured = new Map<string, Measured>();
  for (const ref of devices) {
    const device = await client.call('device.show', { device: ref }, { signal });
    const samples = await client.call(
      'telemetry.show',
      { device: device.guid, since, points: POINTS },
      { signal },
    );
    measured.set(device.guid, { name: device.name, samples });
  }
  const quit = new AbortController();
  const ended = AbortSignal.any([signal, quit.signal]);
  let away = false;
  const names = [...measured.values()].map(({ name }) => name);
  const board = new Board({
    title: names.length === 1 ? (names[0] ?? '') : `${names.length} devices`,
    pages: [page(measured)],
    palette: palette(colour),
    headline: () => ({
      text: away
        ? 'The engine does not answer; this is what was.'
        : 'the last hour and what arrives. q ends.',
      warn: away,
    }),
    onQuit: () => quit.abort(),
  });
  const drawing = setInterval(() => board.draw(Date.now()), DRAW_MS);
  try {
    board.draw(Date.now());
    while (!ended.aborted) {
      try {
        const wanted = { device: [...measured.keys()] };
        for await (const { guid, sample } of client.stream('telemetry.watch', wanted, ended)) {
          away = false;
          add(measured.get(guid)?.samples, sample);
        }
      } catch {
        // Whatever it was, the header says that nothing new comes, and it is tried again.
      }
      if (ended.aborted) return;
      away = true;
      await sleep(RETRY_MS, undefined, { signal: ended }).catch(() => undefined);
    }
  } finally {
    clearInterval(drawing);
    board.close();
  }
};

/** Nothing measured further from a moment than that is shown for it, however seldom it is measured. */
const NEAR_MS = 45_000;

/**
 * What was measured nearest to each moment (milliseconds, growing), null where nothing was near: devices that measured
 * over different spans stand side by side on one axis of time.
 */
export const atTimes = (
  at: readonly number[],
  samples: readonly TelemetrySample[],
  value: (sample: TelemetrySample) => number | null,
): (number | null)[] => {
  const times = samples.map((sample) => Date.parse(sample.at));
  const apart = at.length > 1 ? ((at.at(-1) ?? 0) - (at[0] ?? 0)) / (at.length - 1) : 0;
  const near = Math.max(NEAR_MS, 0.75 * apart);
  let next = 0;
  return at.map((moment) => {
    const distance = (index: number): number => Math.abs((times[index] ?? Infinity) - moment);
    while (next + 1 < times.length && distance(next + 1) <= distance(next)) next++;
    const sample = samples[next];
    return sample && distance(next) <= near ? value(sample) : null;
  });
};

const add = (samples: TelemetrySample[] | undefined, sample: TelemetrySample): void => {
  if (!samples) return;
  samples.push(sample);
  if (samples.length > POINTS) samples.shift();
};

const page = (measured: ReadonlyMap<string, Measured>): Page => ({
  title: 'Devices',
  build(place) {
    const percent = (value: number): string => `${Math.round(value)}%`;
    const cpu = lineChart(
      place,
      'CPU, %',
      { top: 0, left: 0, width: 6, height: 6 },
      { most: 100, text: percent },
    );
    const memory = lineChart(
      place,
      'Memory, %',
      { top: 0, left: 6, width: 6, height: 6 },
      { most: 100, text: percent },
    );
    const network = lineChart(
      place,
      'Network in and out',
      { top: 6, left: 0, width: 6, height: 6 },
      { text: rate, unit: rateUnit },
    );
    const disk = lineChart(
      place,
      'Disk, %',
      { top: 6, left: 6, width: 6, height: 6 },
      { most: 100, text: percent },
    );
    const all = [...measured.values()];
    return {
      elements: [cpu.box, memory.box, network.box, disk.box],
      fill() {
        const longest = all.reduce(
          (most, { samples }) => (samples.length > most.length ? samples : most),
          all[0]?.samples ?? [],
        );
        const at = longest.map((sample) => Date.parse(sample.at));
        const series = (value: (sample: TelemetrySample) => number | null): Series[] =>
          all.map(({ name, samples }) => ({ title: name, values: atTimes(at, samples, value) }));
        cpu.set(
          at,
          series((sample) => sample.cpu_percent),
        );
        memory.set(
          at,
          series((sample) => (100 * sample.memory_used_bytes) / sample.memory_total_bytes),
        );
        network.set(
          at,
          series((sample) => (sample.network_rx_bytes_per_s ?? 0) + (sample.network_tx_bytes_per_s ?? 0)),
        );
        disk.set(
          at,
          series(({ disk_used_bytes: used, disk_total_bytes: total }) =>
            used === null || !total ? null : (100 * used) / total,
          ),
        );
      },
    };
  },
});
