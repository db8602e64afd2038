/** One pair as the engine knows it now: its vote, what its two nodes told, and when the address changed hands. */
import { leaseOf, Voter } from '../../ha/voter.ts';
import type { BastionStateFrame, HostedHa } from '../../protocol/bastion.ts';
import type { HaNode } from './bastions.ts';
import { isFlapping, type PastSwitch, recent } from './damping.ts';
import { type Device, type PairRow, type SwitchRow, timeBefore } from './rows.ts';
import { type NodeNow, troubleOf, type Verdict, verdictOf } from './state.ts';

/** After its promise has run out: for the other one to be asked, and to answer. */
const PATIENCE_MS = 3_000;
/** After the engine began: for both to be connected again. */
const BEGINNING_MS = 15_000;
/** More than bear on damping. */
export const SWITCHES_KNOWN = 64;

export interface Around {
  /** Of both clocks, milliseconds. */
  readonly now: number;
  readonly wall: number;
  readonly isOnline: (guid: string) => boolean;
  /** Wanted by the service. */
  readonly revision: number;
}

export interface PairParts {
  readonly row: PairRow;
  readonly service: { readonly name: string; readonly project: string };
  readonly key: string;
  readonly devices: ReadonlyMap<string, Device>;
  readonly endpoints: ReadonlyMap<string, string | null>;
  readonly switches: readonly SwitchRow[];
  /** Monotonic. */
  readonly now: number;
}

export class Pair {
  row: PairRow;
  readonly service: { readonly name: string; readonly project: string };
  /** Base64url. */
  key: string;
  readonly voter: Voter;
  readonly guids: readonly [string, string];
  /** One does not know yet where the other is heard. */
  untold = false;
  readonly #devices = new Map<string, Device>();
  readonly #endpoints: Map<string, string | null>;
  readonly #said = new Map<string, BastionStateFrame>();
  #switches: PastSwitch[];
  last: SwitchRow | null;
  #nobodySince: number | null;
  readonly #begun: number;
  #news = Promise.withResolvers<void>();

  constructor({ row, service, key, devices, endpoints, switches, now }: PairParts) {
    this.row = row;
    this.service = service;
    this.key = key;
    this.guids = [row.primary_guid, row.standby_guid];
    for (const guid of this.guids) {
      const device = devices.get(guid);
      if (device) this.#devices.set(guid, device);
    }
    this.#endpoints = new Map(endpoints);
    this.#switches = [...switches].reverse();
    this.last = switches[0] ?? null;
    this.#begun = now;
    this.#nobodySince = now;
    this.voter = new Voter(leaseOf(row.lease_seconds), now);
  }

  has(guid: string): boolean {
    return this.guids.includes(guid);
  }

  otherOf(guid: string): string {
    return this.guids[0] === guid ? this.guids[1] : this.guids[0];
  }

  /** It is forgotten by the engine only when its name is. */
  nameOf(guid: string): string {
    return this.#devices.get(guid)?.name ?? guid.slice(0, 8);
  }

  isBarred(guid: string): boolean {
    return this.#devices.get(guid)?.state !== 'active';
  }

  /** Null: it is gone. */
  setDevice(guid: string, device: Device | null): void {
    if (device) this.#devices.set(guid, device);
    else this.#devices.delete(guid);
    this.stir();
  }

  // What the nodes say

  /** True where the endpoint is another than before, so that the other node must be told. */
  said(guid: string, frame: BastionStateFrame): boolean {
    this.#said.set(guid, frame);
    const endpoint = frame.ha?.endpoint ?? null;
    const moved = endpoint !== null && endpoint !== this.#endpoints.get(guid);
    if (moved) this.#endpoints.set(guid, endpoint);
    this.stir();
    return moved;
  }

  saidBy(guid: string): BastionStateFrame | undefined {
    return this.#said.get(guid);
  }

  /** Not connected any more: what it said is of the past. */
  left(guid: string): void {
    this.#said.delete(guid);
    this.stir();
  }

  switched(row: SwitchRow, now: number): void {
    const before = this.#switches.map((one) => (one.at > now ? { ...one, at: timeBefore(row) } : one));
    // What a device tells is not to fill the memory.
    this.#switches = [...before, row].slice(-SWITCHES_KNOWN);
    if (!this.last || this.last.at > now || row.at >= this.last.at) this.last = row;
    this.stir();
  }

  get endpoints(): ReadonlyMap<string, string | null> {
    return this.#endpoints;
  }

  /** Resolves with whatever is heard of it next. */
  get news(): Promise<void> {
    return this.#news.promise;
  }

  stir(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers<void>();
  }

  // What follows

  nodeNow(guid: string, { isOnline, revision }: Around): NodeNow {
    const frame = this.#said.get(guid);
    const online = isOnline(guid);
    return {
      name: this.nameOf(guid),
      online,
      barred: this.isBarred(guid),
      ha: online ? (frame?.ha ?? null) : null,
      behind: online && frame ? Math.max(0, revision - frame.revision) : null,
      // A holder that was asked for the address, and keeps it, says why as well: that is no failure.
      error:
        online && (frame?.state === 'failed' || frame?.ha?.role === 'failed')
          ? (frame.error ?? 'it failed.')
          : null,
    };
  }

  verdict(around: Around): Verdict {
    const { primary_guid, standby_guid, address, lease_seconds } = this.row;
    const ask = (nobodyFor: number) =>
      verdictOf({
        address: address.split('/', 1)[0] as string,
        nodes: [this.nodeNow(primary_guid, around), this.nodeNow(standby_guid, around)],
        nobodyFor,
        patience: Math.max(
          leaseOf(lease_seconds).promise + PATIENCE_MS,
          BEGINNING_MS - (this.#nobodySince ?? around.now) + this.#begun,
        ),
        flapping: this.isFlapping(around.wall),
      });
    const verdict = ask(this.#nobodySince === null ? 0 : around.now - this.#nobodySince);
    if (verdict.holder === null) this.#nobodySince ??= around.now;
    else this.#nobodySince = null;
    return verdict;
  }

  holderOf({ holder }: Verdict): string | null {
    if (holder === null) return null;
    return holder === 0 ? this.row.primary_guid : this.row.standby_guid;
  }

  /** Why the other one could not take it from `holder`; null: it could. */
  troubleOf(holder: string, around: Around): string | null {
    return troubleOf(this.nodeNow(holder, around), this.nodeNow(this.otherOf(holder), around));
  }

  isFlapping(wall: number): boolean {
    return isFlapping(this.#switches, wall);
  }

  recentSwitches(wall: number): readonly PastSwitch[] {
    this.#switches = recent(this.#switches, wall);
    return this.#switches;
  }

  /** Of those that may host it now. */
  get nodes(): readonly HaNode[] {
    return this.guids.filter((guid) => !this.isBarred(guid)).map((guid) => ({ guid, ha: this.#haOf(guid) }));
  }

  #haOf(self: string): HostedHa {
    const { row } = this;
    const other = this.otherOf(self);
    return {
      address: row.address,
      interface: row.interface,
      self,
      other,
      other_endpoint: this.#endpoints.get(other) ?? null,
      port: row.port,
      key: this.key,
      preferred: self === row.home_guid,
      lease: leaseOf(row.lease_seconds, row.threshold),
      driver: row.driver,
      hook: row.hook,
      router_id: row.router_id,
    };
  }
}
