/** Puts the engine's half of high availability together. */
import type { ChannelServer } from '../channel/server.ts';
import { inProjects } from '../vpn/projects.ts';
import { findService } from '../vpn/rows.ts';
import { Hearing } from './hearing.ts';
import { Ledger } from './ledger.ts';
import { haOperations } from './operations.ts';
import { Pairs, type PairsParts } from './pairs.ts';
import { Rounds } from './rounds.ts';

export interface HaParts extends Omit<PairsParts, 'channels'> {
  readonly channels: Pick<ChannelServer, 'get' | 'attach'>;
}

export const createHa = (parts: HaParts) => {
  const pairs = new Pairs(parts);
  const ledger = new Ledger(parts);
  const hearing = new Hearing(pairs, ledger);
  const rounds = new Rounds(pairs, ledger);
  const round = (): void => rounds.go();
  parts.channels.attach({ ...hearing.consumer, onTick: round });
  return {
    pairs,
    /** What daemon/vpn hears of a device that hosts a service. */
    heard: hearing.state.bind(hearing),
    operations: inProjects({ find: (ref) => findService(parts.store.read, ref) }, haOperations(pairs)),
    /** Once a second, with the channels. */
    round,
    /** For `status`. */
    get states() {
      return pairs.all.map((pair) => ({
        vpn: pair.service.name,
        state: pair.verdict(pairs.around(pair.row.vpn_id)).state,
      }));
    },
    /** Before devices are told what to host. */
    start: () => pairs.start(),
    close: () => pairs.close(),
  };
};
