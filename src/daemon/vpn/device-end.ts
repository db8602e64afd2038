/**
 * One service on devices: on one, or on the two of a pair. They are told the whole of it under a revision, once for each
 * that is new and once for each channel; who has said that it holds the one before is told what a few connections change
 * alone. What they were told they keep, so that they go on without us.
 */
import { amendedDigest, digestText, type ServiceDigest, serviceDigest } from '../../crypto/service-digest.ts';
import type { BastionPeersFrame, BastionStateFrame, HostedClient } from '../../protocol/bastion.ts';
import type { ObservedPeer, WantedNetwork } from '../../wg/types.ts';
import type { Channel } from '../channel/channels.ts';
import { Accounts } from './accounts.ts';
import type { bastionEnvelopes } from './bastion-envelopes.ts';
import { DeviceNodes } from './device-nodes.ts';
import type { EndParts, VpnEnd } from './end.ts';
import { hostedService } from './hosted-service.ts';
import type { DeviceFacts, Hosting, Node } from './hosting.ts';
import { type Changed, InForce } from './in-force.ts';
import type { Leaving } from './leaving.ts';
import { PairCounters } from './pair-counters.ts';
import { type ConnectionRow, connectionsBy, connectionsOf, type ServiceRow } from './rows.ts';
import { settled } from './settled.ts';
import type { Traffic } from './traffic.ts';
import { Trouble } from './trouble.ts';
import { Turns } from './turns.ts';
import { presharedKeyOf, wantedNow } from './wanted-now.ts';

interface Clients {
  readonly gone: HostedClient[];
  readonly come: HostedClient[];
}

/** Further than a store that was restored can be behind. */
const AHEAD_MAX = 1_000_000;

export interface DeviceEndParts extends EndParts {
  readonly envelopes: ReturnType<typeof bastionEnvelopes>;
  /** Of the agent that is root. */
  readonly channelOf: (guid: string) => Pick<Channel, 'send'> | undefined;
  readonly factsOf: (guid: string) => Promise<DeviceFacts | null>;
  readonly nodesOf: (row: ServiceRow) => readonly Node[];
  readonly leaving: Leaving;
}

export class DeviceEnd implements VpnEnd {
  readonly row: ServiceRow;
  /** Devices try again by themselves. */
  readonly retries = false;
  readonly #parts: DeviceEndParts;
  readonly #accounts: Accounts;
  readonly #trouble: Trouble;
  readonly #counters = new PairCounters();
  readonly #nodes: DeviceNodes;
  #revision: number;
  #told: string | null;
  /** Public keys, of connections that are shut out too. */
  #keys = new Set<string>();
  /** What was told last; undefined where it is not known for sure. */
  #inForce: InForce | undefined;
  #leaving = false;
  /** They were told to run it no more, and have not answered. */
  readonly #dismissed = new Map<string, Hosting>();
  readonly #turns = new Turns(async (due) => {
    if (due === 'all' || !(await this.#amend([...due]))) await this.#apply();
  });

  constructor(row: ServiceRow, parts: DeviceEndParts) {
    this.row = row;
    this.#parts = parts;
    this.#nodes = new DeviceNodes({ ...parts, nodes: () => parts.nodesOf(row) });
    this.#revision = row.revision;
    this.#told = row.told;
    this.#accounts = new Accounts(row, parts);
    this.#trouble = new Trouble(row, parts);
  }

  get revision(): number {
    return this.#revision;
  }

  has(guid: string): boolean {
    return this.#nodes.get(guid) !== undefined;
  }

  get node(): string {
    return this.#nodes.name ?? this.row.node.slice(0, 8);
  }

  get failure(): Error | null {
    return this.#nodes.failure ?? this.#trouble.failure;
  }

  get waiting(): string | null {
    return this.#nodes.waiting(this.#revision);
  }

  get nextExpiry(): number | null {
    return this.#accounts.nextExpiry;
  }

  trafficOf(row: ConnectionRow): Traffic {
    return this.#accounts.trafficOf(row);
  }

  apply(only?: readonly string[]): Promise<void> {
    return this.#turns.add(only);
  }

  /**
   * With thousands of connections, what one of them changes is a small part of what it takes to tell all. False: it takes
   * the whole.
   */
  async #amend(ids: readonly string[]): Promise<boolean> {
    const { store, clock, log } = this.#parts;
    const inForce = this.#inForce;
    if (this.#leaving || !inForce || !this.#nodes.areSame) return false;
    const { live } = this.#nodes;
    this.#inForce = undefined;
    try {
      const rows = new Map((await connectionsBy(store.read, ids)).map((row) => [row.id, row]));
      const changed = ids.map((id): Changed => [id, rows.get(id)]);
      const now = clock.now();
      const amendment = inForce.amendment(changed, now);
      // Clients are said in JSON, which has no types of ours.
      const change = amendment as unknown as Clients | null;
      if (!change || !(await this.#tellChange(live, change))) return false;
      inForce.amended(changed, now);
      this.#accounts.change(changed);
      for (const { peer } of change.gone) this.#keys.delete(peer.publicKey);
      for (const { peer } of change.come) this.#keys.add(peer.publicKey);
      this.#forgetPeers();
    } catch (error) {
      log.warn({ err: error, vpn: this.row.name }, 'a change of a VPN service takes the whole of it');
      return false;
    }
    this.#inForce = inForce;
    await this.#outcome(live);
    return live.every((hosting) => hosting.isIn(this.#revision) || hosting.hasSent(this.#revision));
  }

  /** False: nothing was told, for it takes the whole; or the store has it, and the whole is to be told. */
  async #tellChange(live: readonly Hosting[], change: Clients): Promise<boolean> {
    const { channelOf, envelopes, clock } = this.#parts;
    const revision = this.#revision;
    const { gone, come } = change;
    const next = new Map<Hosting, ServiceDigest>();
    for (const hosting of this.#nodes.all) {
      if (hosting.digest === null) return false;
      next.set(hosting, amendedDigest(hosting.digest, change));
    }
    const told = this.#toldOf(next);
    if (told === this.#told) return true;
    const words: [Hosting, string][] = [];
    for (const hosting of live) {
      const { guid, digest } = hosting;
      const after = next.get(hosting);
      if (digest === null || after === undefined || !hosting.holds(revision, digest)) return false;
      const from = { revision, digest: digestText(digest) };
      const to = { revision: revision + 1, digest: digestText(after) };
      const word = envelopes.amend(guid, this.row.id, { from, to, gone, come });
      if (word === null) return false;
      words.push([hosting, word]);
    }
    await this.#keep(revision + 1, told);
    // A device said meanwhile that it has something newer than the store.
    if (this.#revision !== revision) return false;
    this.#revision = revision + 1;
    this.#told = told;
    for (const [hosting, digest] of next) hosting.digest = digest;
    for (const [hosting, envelope] of words)
      if (channelOf(hosting.guid)?.send({ type: 'BASTION', envelope }))
        hosting.sent(this.#revision, clock.monotonic());
    return true;
  }

  async #apply(): Promise<void> {
    if (this.#leaving) return;
    const { store, clock, keys } = this.#parts;
    this.#inForce = undefined;
    let live: readonly Hosting[];
    let dismissed: Promise<void> | undefined;
    try {
      const connections = await connectionsOf(store.read, this.row.id);
      this.#accounts.connections = connections;
      this.#know();
      const now = clock.now();
      const inForce = new InForce(this.row, connections, presharedKeyOf(keys), now);
      const wanted = await wantedNow(this.row, connections, this.#parts, now);
      const gone = await this.#nodes.set();
      await this.#parts.leaving.over(
        this.row.id,
        this.#nodes.all.map(({ guid }) => guid),
      );
      dismissed = this.#dismiss(gone);
      await this.#revise(wanted);
      live = await this.#tell(wanted);
      this.#inForce = inForce;
    } catch (error) {
      await this.#trouble.failed(error as Error);
      throw error;
    }
    await dismissed;
    await this.#outcome(live);
  }

  /** Until each has said how it went, or is gone, or is slow. Errors: what went wrong, where it did with all of them. */
  async #outcome(live: readonly Hosting[]): Promise<void> {
    const isDone = (hosting: Hosting): boolean =>
      this.#leaving ||
      !this.#parts.channelOf(hosting.guid) ||
      hosting.isIn(this.#revision) ||
      hosting.failure !== null ||
      !hosting.hasSent(this.#revision);
    await settled(live, isDone);
    await this.#judge();
    const failures = live.map(({ failure }) => failure);
    if (live.length > 0 && failures.every((failure) => failure !== null)) throw failures[0] as Error;
  }

  #know(): void {
    this.#keys = new Set(this.#accounts.connections.flatMap(({ public_key }) => public_key ?? []));
    this.#forgetPeers();
  }

  #forgetPeers(): void {
    for (const hosting of this.#nodes.all) hosting.forgetPeers((key) => this.#keys.has(key));
  }

  /** Another revision, if it is to be otherwise than what was told last. */
  async #revise(wanted: WantedNetwork): Promise<void> {
    const digests = new Map<Hosting, ServiceDigest>();
    for (const hosting of this.#nodes.all)
      digests.set(hosting, serviceDigest(hostedService(this.row, wanted, hosting.node)));
    for (const [hosting, digest] of digests) hosting.digest = digest;
    const told = this.#toldOf(digests);
    if (told === this.#told) return;
    const revision = this.#revision + 1;
    await this.#keep(revision, told);
    this.#revision = revision;
    this.#told = told;
  }

  #toldOf(digests: ReadonlyMap<Hosting, ServiceDigest>): string {
    return this.#parts.keys.derive('vpn told', DeviceNodes.textOf(digests)).toString('base64url');
  }

  async #keep(revision: number, told: string): Promise<void> {
    await this.#parts.store.write(({ db }) =>
      db.updateTable('vpn_service').set({ revision, told }).where('id', '=', this.row.id).execute(),
    );
  }

  /** Those that are connected. What cannot be sent now is sent when it can. */
  async #tell(wanted: WantedNetwork): Promise<readonly Hosting[]> {
    const { channelOf, envelopes, clock } = this.#parts;
    const { live } = this.#nodes;
    for (const hosting of live) {
      const { node, guid } = hosting;
      const channel = channelOf(guid);
      if (!channel || hosting.isIn(this.#revision)) continue;
      if (hosting.hasSent(this.#revision) && !hosting.needs(this.#revision, clock.monotonic())) continue;
      const service = hostedService(this.row, wanted, node);
      const sent = (await envelopes.hold(guid, service, this.#revision)).every((envelope) =>
        channel.send({ type: 'BASTION', envelope }),
      );
      if (sent) hosting.sent(this.#revision, clock.monotonic());
    }
    return live;
  }

  /** What operators are told of how it is. */
  async #judge(): Promise<void> {
    const all = this.#nodes.all;
    const failures = all.map(({ failure }) => failure);
    if (all.length > 0 && failures.every((failure) => failure !== null))
      await this.#trouble.failed(failures[0] as Error);
    else if (all.some((hosting) => hosting.said?.state === 'up')) await this.#trouble.over();
  }

  /** They are to run it no more. Who does not say soon that it does not is remembered. Never rejects. */
  async #dismiss(hostings: readonly Hosting[]): Promise<void> {
    const { channelOf, envelopes, leaving, log } = this.#parts;
    const { id, name } = this.row;
    const isAway = ({ guid }: Hosting): boolean => channelOf(guid) === undefined;
    const remember = (some: readonly Hosting[]): Promise<void> =>
      leaving.add(
        id,
        some.map(({ guid, node }) => ({ guid, address: node.ha?.address ?? null })),
      );
    const live = hostings.filter((one) => !isAway(one));
    for (const hosting of live) {
      const { guid } = hosting;
      this.#dismissed.set(guid, hosting);
      channelOf(guid)?.send({ type: 'BASTION', envelope: envelopes.drop(guid, id) });
    }
    try {
      await remember(hostings.filter(isAway));
      await settled(live, (one) => one.said?.state === 'gone' || isAway(one));
      await remember(live.filter(({ said }) => said?.state !== 'gone'));
    } catch (error) {
      // They hear of it all the same, when they say that they run it.
      log.error(
        { err: error, vpn: name },
        'it could not be kept that a device is to run a VPN service no more',
      );
    }
    for (const { guid } of live) this.#dismissed.delete(guid);
  }

  /** Whoever has the floating address gives it away. False where the device cannot be told. */
  giveAway(guid: string, id: string): boolean {
    const envelope = this.#parts.envelopes.switch(guid, this.row.id, id);
    return this.#parts.channelOf(guid)?.send({ type: 'BASTION', envelope }) ?? false;
  }

  // What devices say

  ready(guid: string): void {
    this.#nodes.get(guid)?.ready(this.#parts.clock.monotonic());
  }

  left(guid: string): void {
    this.#nodes.get(guid)?.left();
    this.#dismissed.get(guid)?.left();
  }

  heard(guid: string, frame: BastionStateFrame): void {
    const hosting = this.#nodes.get(guid);
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

  /** By a device that is not to run it, and does not. */
  heardGone(guid: string, frame: BastionStateFrame): void {
    this.#dismissed.get(guid)?.heard(frame);
  }

  /** Names of those that have not said that they have what they are to have. */
  get behind(): readonly string[] {
    return this.#nodes.all.filter((one) => !one.isIn(this.#revision)).map(({ name }) => name);
  }

  heardPeers(guid: string, frame: BastionPeersFrame): void {
    const hosting = this.#nodes.get(guid);
    hosting?.heardPeers(frame, (key) => this.#keys.has(key), this.#parts.clock.now());
  }

  refresh(guid: string): Promise<void> {
    return this.#nodes.refresh(guid);
  }

  /** Tells those that are connected and not as they should be. */
  tick(): void {
    if (this.#leaving || this.#turns.isDue) return;
    const now = this.#parts.clock.monotonic();
    const open = this.#nodes.all.some(
      (hosting) =>
        this.#parts.channelOf(hosting.guid) && (this.#told === null || hosting.needs(this.#revision, now)),
    );
    if (open) void this.apply().catch(() => undefined); // told of by #trouble
  }

  // Traffic

  async look(): Promise<void> {
    const all = this.#nodes.all;
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
    for (const hosting of this.#nodes.all) hosting.left();
    await this.#turns.over;
  }

  /** Those that are not connected hear of it when they are back. */
  async remove(): Promise<void> {
    this.#leaving = true;
    for (const hosting of this.#nodes.all) hosting.left();
    await this.#turns.over;
    await this.#dismiss(this.#nodes.all);
  }
}
