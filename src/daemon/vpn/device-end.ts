/**
 * One service on devices: on one, or on the two of a pair. They are told the whole of it under a revision, once for each
 * that is new and once for each channel; what they were told they keep, so that they go on without us.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BastionPeersFrame, BastionStateFrame, HostedService } from '../../protocol/bastion.ts';
import type { ObservedPeer, WantedNetwork } from '../../wg/types.ts';
import type { Channel } from '../channel/channels.ts';
import { Accounts } from './accounts.ts';
import type { bastionEnvelopes } from './bastion-envelopes.ts';
import type { EndParts, VpnEnd } from './end.ts';
import { type DeviceFacts, Hosting, type Node } from './hosting.ts';
import { PairCounters } from './pair-counters.ts';
import { type ConnectionRow, connectionsOf, type ServiceRow } from './rows.ts';
import type { Traffic } from './traffic.ts';
import { Trouble } from './trouble.ts';
import { familiesOf, wantedNow } from './wanted-now.ts';

/** For a device that is connected to say that something is in force. */
const SETTLED_MS = 5_000;
/** Further than a store that was restored can be behind. */
const AHEAD_MAX = 1_000_000;

export interface DeviceEndParts extends EndParts {
  readonly envelopes: ReturnType<typeof bastionEnvelopes>;
  /** Of the agent that is root. */
  readonly channelOf: (guid: string) => Pick<Channel, 'send'> | undefined;
  readonly factsOf: (guid: string) => Promise<DeviceFacts | null>;
  readonly nodesOf: (row: ServiceRow) => readonly Node[];
}

export class DeviceEnd implements VpnEnd {
  readonly row: ServiceRow;
  /** Devices try again by themselves. */
  readonly retries = false;
  readonly #parts: DeviceEndParts;
  readonly #accounts: Accounts;
  readonly #trouble: Trouble;
  readonly #counters = new PairCounters();
  #hostings = new Map<string, Hosting>();
  #revision: number;
  #told: string | null;
  #keys: ReadonlySet<string> = new Set();
  #leaving = false;
  #last: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(row: ServiceRow, parts: DeviceEndParts) {
    this.row = row;
    this.#parts = parts;
    this.#revision = row.revision;
    this.#told = row.told;
    this.#accounts = new Accounts(row, parts);
    this.#trouble = new Trouble(row, parts);
  }

  get revision(): number {
    return this.#revision;
  }

  has(guid: string): boolean {
    return this.#hostings.has(guid);
  }

  get node(): string {
    const all = [...this.#hostings.values()];
    const first = all.find(({ said }) => said?.ha?.role === 'holder') ?? all[0];
    return first?.name ?? this.row.node.slice(0, 8);
  }

  get failure(): Error | null {
    const all = [...this.#hostings.values()];
    const wrong = all.map(({ barred, failure }) => barred ?? failure);
    return (wrong.every((error) => error !== null) ? wrong[0] : undefined) ?? this.#trouble.failure;
  }

  get waiting(): string | null {
    for (const hosting of this.#hostings.values()) {
      const { name, guid, barred, failure } = hosting;
      const wrong = barred ?? failure;
      if (wrong) return wrong.message;
      if (!this.#parts.channelOf(guid))
        return `${name} is not connected: it goes on as it was told last, and is told of changes when it is back.`;
      if (!hosting.isIn(this.#revision)) return `${name} has not said yet that all is in force.`;
    }
    return null;
  }

  get nextExpiry(): number | null {
    return this.#accounts.nextExpiry;
  }

  trafficOf(row: ConnectionRow): Traffic {
    return this.#accounts.trafficOf(row);
  }

  apply(): Promise<void> {
    this.#next ??= this.#last.then(() => {
      this.#next = undefined;
      return this.#apply();
    });
    const turn = this.#next;
    this.#last = turn.catch(() => {
      // Who asked hears of it; whoever comes next begins anew.
    });
    return turn;
  }

  async #apply(): Promise<void> {
    if (this.#leaving) return;
    let live: Hosting[];
    try {
      this.#accounts.connections = await connectionsOf(this.#parts.store.read, this.row.id);
      this.#keys = new Set(this.#accounts.connections.flatMap(({ public_key }) => public_key ?? []));
      const wanted = await wantedNow(this.row, this.#accounts.connections, this.#parts);
      await this.#setNodes();
      await this.#revise(wanted);
      live = await this.#tell(wanted);
    } catch (error) {
      await this.#trouble.failed(error as Error);
      throw error;
    }
    await this.#settled(live);
    await this.#judge();
    const failures = live.map(({ failure }) => failure);
    if (live.length > 0 && failures.every((failure) => failure !== null)) throw failures[0] as Error;
  }

  async #setNodes(): Promise<void> {
    const nodes = this.#parts.nodesOf(this.row);
    const before = this.#hostings;
    const after = new Map<string, Hosting>();
    for (const node of nodes) {
      const hosting = before.get(node.guid) ?? new Hosting(node);
      hosting.node = node;
      hosting.facts = await this.#parts.factsOf(node.guid);
      hosting.forgetPeers((key) => this.#keys.has(key));
      after.set(node.guid, hosting);
    }
    this.#hostings = after;
    for (const guid of before.keys()) if (!after.has(guid)) this.#drop(guid);
  }

  /** Another revision, if it is to be otherwise than what was told last. */
  async #revise(wanted: WantedNetwork): Promise<void> {
    const { keys, store } = this.#parts;
    const nodes = [...this.#hostings.values()].map(({ node }) => node);
    const told = keys
      .derive('vpn told', JSON.stringify([this.row.name, wanted, nodes]))
      .toString('base64url');
    if (told === this.#told) return;
    const revision = this.#revision + 1;
    await store.write(({ db }) =>
      db.updateTable('vpn_service').set({ revision, told }).where('id', '=', this.row.id).execute(),
    );
    this.#revision = revision;
    this.#told = told;
  }

  /** Those that are connected. What cannot be sent now is sent when it can. */
  async #tell(wanted: WantedNetwork): Promise<Hosting[]> {
    const { channelOf, envelopes, clock } = this.#parts;
    const live: Hosting[] = [];
    for (const hosting of this.#hostings.values()) {
      const { node, guid } = hosting;
      const channel = channelOf(guid);
      if (!channel || hosting.barred) continue;
      live.push(hosting);
      if (hosting.isIn(this.#revision)) continue;
      if (hosting.hasSent(this.#revision) && !hosting.needs(this.#revision, clock.monotonic())) continue;
      const service = hostedService(this.row, wanted, node);
      const sent = (await envelopes.hold(guid, service, this.#revision)).every((envelope) =>
        channel.send({ type: 'BASTION', envelope }),
      );
      if (sent) hosting.sent(this.#revision, clock.monotonic());
    }
    return live;
  }

  /** Until each has said how it went, or is gone, or is slow. */
  async #settled(live: readonly Hosting[]): Promise<void> {
    const late = new AbortController();
    const limit = sleep(SETTLED_MS, undefined, { ref: false, signal: late.signal }).catch(() => undefined); // in time
    let over = false;
    void limit.then(() => {
      over = true;
    });
    const one = async (hosting: Hosting): Promise<void> => {
      while (!over && !this.#leaving && this.#parts.channelOf(hosting.guid)) {
        if (hosting.isIn(this.#revision) || hosting.failure) return;
        await Promise.race([hosting.news, limit]);
      }
    };
    await Promise.all(live.map(one));
    late.abort();
  }

  /** What operators are told of how it is. */
  async #judge(): Promise<void> {
    const all = [...this.#hostings.values()];
    const failures = all.map(({ failure }) => failure);
    if (all.length > 0 && failures.every((failure) => failure !== null))
      await this.#trouble.failed(failures[0] as Error);
    else if (all.some((hosting) => hosting.said?.state === 'up')) await this.#trouble.over();
  }

  #drop(guid: string): void {
    const envelope = this.#parts.envelopes.drop(guid, this.row.id);
    this.#parts.channelOf(guid)?.send({ type: 'BASTION', envelope });
  }

  /** Whoever has the floating address gives it away. False where the device cannot be told. */
  giveAway(guid: string, id: string): boolean {
    const envelope = this.#parts.envelopes.switch(guid, this.row.id, id);
    return this.#parts.channelOf(guid)?.send({ type: 'BASTION', envelope }) ?? false;
  }

  // What devices say

  ready(guid: string): void {
    this.#hostings.get(guid)?.ready(this.#parts.clock.monotonic());
  }

  left(guid: string): void {
    this.#hostings.get(guid)?.left();
  }

  heard(guid: string, frame: BastionStateFrame): void {
    const hosting = this.#hostings.get(guid);
    if (!hosting) return;
    hosting.heard(frame);
    // A store that was restored knows less than the device, which would take nothing older.
    if (frame.revision > this.#revision && frame.revision <= this.#revision + AHEAD_MAX) {
      this.#revision = frame.revision;
      this.#told = null;
    }
    this.tick();
    void this.#judge();
  }

  heardPeers(guid: string, frame: BastionPeersFrame): void {
    const hosting = this.#hostings.get(guid);
    hosting?.heardPeers(frame, (key) => this.#keys.has(key), this.#parts.clock.now());
  }

  /** The device is another than before: its name, its standing. */
  async refresh(guid: string): Promise<void> {
    const hosting = this.#hostings.get(guid);
    if (hosting) hosting.facts = await this.#parts.factsOf(guid);
  }

  /** Tells those that are connected and not as they should be. */
  tick(): void {
    if (this.#leaving || this.#next) return;
    const now = this.#parts.clock.monotonic();
    const open = [...this.#hostings.values()].some(
      (hosting) =>
        this.#parts.channelOf(hosting.guid) && (this.#told === null || hosting.needs(this.#revision, now)),
    );
    if (open) void this.apply().catch(() => undefined); // told of by #trouble
  }

  // Traffic

  async look(): Promise<void> {
    const all = [...this.#hostings.values()];
    const only = all.length === 1 && all[0]?.node.ha === null ? all[0] : undefined;
    const peerOf = (row: ConnectionRow & { readonly public_key: string }): ObservedPeer | undefined =>
      only
        ? only.peers.get(row.public_key)
        : this.#counters.joined(
            row,
            this.trafficOf(row),
            all.flatMap(({ guid, peers }) => {
              const peer = peers.get(row.public_key);
              return peer ? [{ guid, peer }] : [];
            }),
          );
    const known = all.some(({ peers }) => peers.size > 0);
    if (known) await this.#accounts.count(peerOf, this.#parts.clock.now());
  }

  store(): Promise<void> {
    return this.#accounts.store();
  }

  /** They go on. */
  async close(): Promise<void> {
    this.#leaving = true;
    for (const hosting of this.#hostings.values()) hosting.left();
    await this.#last;
  }

  /** Those that are not connected hear of it when they are back. */
  async remove(): Promise<void> {
    this.#leaving = true;
    for (const hosting of this.#hostings.values()) hosting.left();
    await this.#last;
    const live = [...this.#hostings.values()].filter(({ guid }) => this.#parts.channelOf(guid));
    for (const { guid } of live) this.#drop(guid);
    const limit = sleep(SETTLED_MS, undefined, { ref: false });
    await Promise.race([limit, Promise.all(live.map((hosting) => this.#gone(hosting)))]);
  }

  async #gone(hosting: Hosting): Promise<void> {
    while (hosting.said?.state !== 'gone' && this.#parts.channelOf(hosting.guid)) await hosting.news;
  }
}

const hostedService = (row: ServiceRow, wanted: WantedNetwork, { ha }: Node): HostedService => {
  const { interfaces, firewall } = wanted;
  const floating = ha && { address: ha.address.split('/', 1)[0], port: row.listen_port };
  return {
    id: row.id,
    name: row.name,
    network: { interfaces, firewall: { ...firewall, ...(floating && { floating }) } },
    families: [...familiesOf(wanted)].sort(),
    ha,
    // Made above from checked rows; the agent checks it again.
  } as HostedService;
};
