/** What is kept of pairs as they live: who has the address, where they hear each other, each change of hands once. */
import type { BastionSwitchesFrame, HaSwitch } from '../../protocol/bastion.ts';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import { SlidingWindow } from '../enrollment/sliding-window.ts';
import type { EventLog, NewEvent } from '../events/log.ts';
import type { Pair } from './pair.ts';
import { keepSwitch, type SwitchRow, switchRow, updatePair } from './rows.ts';

/** Events of one pair: honest nodes keep within it, another must not fill the disk. */
const PER_MINUTE = 40;
/** Switches of one pair that are kept: those of a night without an engine, from both, and some. */
const KEPT_PER_MINUTE = 256;

export class Ledger {
  readonly #store: Store;
  readonly #events: EventLog;
  readonly #clock: Clock;
  readonly #told: SlidingWindow;
  readonly #kept: SlidingWindow;

  constructor(parts: { readonly store: Store; readonly events: EventLog; readonly clock: Clock }) {
    this.#store = parts.store;
    this.#events = parts.events;
    this.#clock = parts.clock;
    this.#told = new SlidingWindow(60_000, parts.clock);
    this.#kept = new SlidingWindow(60_000, parts.clock);
  }

  /**
   * Those that are told for the first time. Once this resolves they are on the disk; but for those that are too many to be
   * true, which would push the true ones out.
   */
  async keep(pair: Pair, told: Pick<BastionSwitchesFrame, 'now' | 'switches'>): Promise<void> {
    const { vpn_id } = pair.row;
    const now = this.#clock.now();
    const clocks = { now, ahead: told.now === undefined ? 0 : Date.parse(told.now) - now };
    const kept: SwitchRow[] = [];
    await this.#store.write(async (tx) => {
      for (const one of told.switches) {
        const row = switchRow(vpn_id, one, (guid) => pair.nameOf(guid), clocks);
        if (!this.#kept.admit(vpn_id, KEPT_PER_MINUTE) || !(await keepSwitch(tx, row, now))) continue;
        kept.push(row);
        if (this.#told.admit(vpn_id, PER_MINUTE)) await this.#events.record(tx, switched(pair, one, row));
      }
    });
    for (const row of kept) pair.switched(row, now);
  }

  /** The one that has the address is the primary. */
  async swap(pair: Pair, holder: string): Promise<void> {
    const roles = { primary_guid: holder, standby_guid: pair.otherOf(holder) };
    pair.row = { ...pair.row, ...roles };
    await this.#store.write((tx) => updatePair(tx, pair.row.vpn_id, roles));
  }

  /** False where too much was told of it lately. */
  async tell(pair: Pair, event: NewEvent): Promise<boolean> {
    if (!this.#told.admit(pair.row.vpn_id, PER_MINUTE)) return false;
    await this.#store.write((tx) => this.#events.record(tx, event));
    return true;
  }
}

const WHY: Readonly<Record<HaSwitch['reason'], string>> = {
  first: 'nobody had it before',
  planned: 'it was handed over',
  stopped: 'the agent there was stopped',
  lost: 'that one was heard no more',
};

const switched = (pair: Pair, one: HaSwitch, row: SwitchRow): NewEvent => {
  const isBack = one.from === one.to;
  const from = row.from_name === null ? '' : ` from ${row.from_name}`;
  const moved = isBack ? `came back to ${row.to_name}` : `went${from} to ${row.to_name}`;
  const why = isBack ? 'nobody had it meanwhile' : WHY[one.reason];
  const gap = row.gap_ms === null ? '' : `, after ${row.gap_ms} ms`;
  return {
    type: 'ha.switched',
    message: `The address of ${pair.service.name} ${moved}${gap}: ${why}`,
    device: { guid: one.to, name: row.to_name },
    data: {
      vpn: pair.service.name,
      id: one.id,
      reason: one.reason,
      from: row.from_name,
      to: row.to_name,
      gap_ms: one.gap_ms,
      clients: one.clients,
      back: one.back,
    },
  };
};
