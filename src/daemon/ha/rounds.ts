/** Once a second over all pairs: what has become of them is told, and the address goes back where that was asked for. */
import { randomUUID } from 'node:crypto';
import type { HaState } from '../../protocol/ha.ts';
import { failBackAfter } from './damping.ts';
import type { Ledger } from './ledger.ts';
import type { Pair } from './pair.ts';
import type { Pairs } from './pairs.ts';

/** After it was asked to go back, and did not. */
const AGAIN_MS = 60_000;

interface Seen {
  state: HaState;
  flapping: boolean;
  /** Since when the preferred node could take it, monotonic. */
  wellSince: number | null;
}

export class Rounds {
  readonly #pairs: Pairs;
  readonly #ledger: Ledger;
  readonly #seen = new WeakMap<Pair, Seen>();

  constructor(pairs: Pairs, ledger: Ledger) {
    this.#pairs = pairs;
    this.#ledger = ledger;
  }

  go(): void {
    for (const pair of this.#pairs.all)
      this.#look(pair).catch((error: unknown) =>
        this.#pairs.parts.log.error({ err: error, vpn: pair.service.name }, 'a pair was not looked after'),
      );
  }

  async #look(pair: Pair): Promise<void> {
    if (pair.untold) await this.#pairs.passOn(pair);
    const around = this.#pairs.around(pair.row.vpn_id);
    const { state, reason, ...verdict } = pair.verdict(around);
    const flapping = pair.isFlapping(around.wall);
    const seen = this.#seen.get(pair) ?? { state: 'switching', flapping: false, wellSince: null };
    this.#seen.set(pair, seen);
    this.#failBack(pair, pair.holderOf({ state, reason, ...verdict }), seen);
    const before = { ...seen };
    Object.assign(seen, { state, flapping });
    const { name: vpn } = pair.service;
    if (flapping && !before.flapping)
      await this.#ledger.tell(pair, {
        type: 'ha.flapping',
        message: `The address of ${vpn} changes hands too often: three times within ten minutes, and nobody asked for it`,
        data: { vpn },
      });
    if (state === before.state || state === 'switching') return;
    const told = await this.#ledger.tell(pair, {
      type: 'ha.changed',
      message: `High availability of ${vpn} is ${state}: ${reason}`,
      data: { vpn, change: 'state', state, reason },
    });
    // The next round tells it.
    if (!told) seen.state = before.state;
  }

  #failBack(pair: Pair, holder: string | null, seen: Seen): void {
    const { parts } = this.#pairs;
    const { fail_back, home_guid, vpn_id } = pair.row;
    const around = this.#pairs.around(vpn_id);
    const isDue = fail_back === 1 && holder !== null && holder !== home_guid;
    if (!isDue || pair.troubleOf(holder, around) !== null) {
      seen.wellSince = null;
      return;
    }
    seen.wellSince ??= around.now;
    const after = failBackAfter(pair.recentSwitches(around.wall), around.wall);
    if (around.now - seen.wellSince < after) return;
    seen.wellSince = around.now + AGAIN_MS - after;
    parts.log.info({ vpn: pair.service.name, to: pair.nameOf(home_guid) }, 'the address goes back');
    parts.bastions.giveAway(holder, vpn_id, randomUUID());
  }
}
