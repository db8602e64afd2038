/** The operations on telemetry, and its way in. */
import type { Logger } from 'pino';
import { BorealisError } from '../../protocol/errors.ts';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { Handlers, InputOf, OutputOf } from '../capability.ts';
import type { ChannelServer } from '../channel/server.ts';
import { resolveDevice } from '../devices/resolve.ts';
import { TelemetryIngest } from './ingest.ts';
import { LiveTelemetry } from './live.ts';
import { readNewest } from './newest.ts';
import { readSeries } from './series.ts';

const DEFAULT_SPAN_MS = 3_600_000;

export interface TelemetryParts {
  readonly store: Store;
  readonly clock: Clock;
  /** Of the component `telemetry`. */
  readonly log: Logger;
  readonly channels: ChannelServer;
}

export interface Telemetry {
  readonly operations: Handlers<'telemetry.show' | 'telemetry.watch'>;
  /** Samples that could not be stored since the start. */
  readonly lost: number;
  /** After the channels are closed: resolves when what came is stored. */
  close(): Promise<void>;
}

/** Attaches itself to the channels; to be made before they start. */
export const createTelemetry = ({ store, clock, log, channels }: TelemetryParts): Telemetry => {
  const live = new LiveTelemetry();
  const ingest = new TelemetryIngest({ store, clock, log, stored: (measured) => live.stored(measured) });
  channels.attach({
    frames: {
      TELEMETRY({ guid, context, name }, { sample }) {
        // Both agents of a machine measure the same machine: one of them is enough.
        if (context === 'user' && channels.get(guid, 'system')) return;
        ingest.take({ guid, device: name, sample });
      },
    },
  });
  return {
    operations: {
      'telemetry.show': async ({ device, since, until, points }) => {
        const { guid } = await resolveDevice(store.read, device);
        const end = until === undefined ? clock.now() : Date.parse(until);
        const begin = since === undefined ? end - DEFAULT_SPAN_MS : Date.parse(since);
        // Without an end it is no mistake: the clock of who asks may be ahead, and nothing was measured since then.
        if (until !== undefined && begin > end)
          throw new BorealisError('INVALID_INPUT', { detail: 'since: it is after until.' });
        return readSeries(store.read, { guid, since: begin, until: end, points });
      },
      'telemetry.watch': (input, call) => watch(store, live, input, call.signal),
    },
    get lost() {
      return ingest.lost;
    },
    close: () => ingest.close(),
  };
};

async function* watch(
  store: Store,
  live: LiveTelemetry,
  { device, since }: InputOf<'telemetry.watch'>,
  signal: AbortSignal,
): AsyncGenerator<OutputOf<'telemetry.watch'>> {
  const guids = device === undefined ? null : new Set<string>();
  for (const ref of [device ?? []].flat()) guids?.add((await resolveDevice(store.read, ref)).guid);
  const newest = since === undefined ? undefined : () => readNewest(store.read, Date.parse(since), guids);
  yield* live.watch(guids, signal, newest);
}
