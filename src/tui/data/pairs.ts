/** One pair of devices that share an address, with when it changed hands; kept current while it is looked at. */
import type { HaHistoryEntry, HaPair } from '../../protocol/ha.ts';
import type { App } from '../app/app.ts';
import { Resource } from './resource.ts';

/** What a node knows of clients and of the other one comes without events. */
const EVERY_MS = 5_000;
const SWITCHES = 200;

export interface PairWithHistory {
  readonly pair: HaPair;
  /** Newest first. */
  readonly history: readonly HaHistoryEntry[];
}

/** Null: the service has no pair. */
export type PairStatus = Resource<PairWithHistory | null>;

export const pairStatus = ({ client, host }: App, vpn: string): PairStatus =>
  new Resource<PairWithHistory | null>(
    {
      fetch: async (signal) => {
        const pairs = await client.call('ha.list', {}, { signal });
        const pair = pairs.find((one) => one.vpn === vpn);
        return pair
          ? { pair, history: await client.call('ha.history', { vpn, limit: SWITCHES }, { signal }) }
          : null;
      },
      events: ['ha.', 'vpn.changed', 'device.online', 'device.offline'],
      everyMs: EVERY_MS,
    },
    () => host.later(),
  );
