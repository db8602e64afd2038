/**
 * One service on devices: on one, or on the two of a pair. What it is to be they are told (device-words.ts) and keep, so
 * that they go on without us.
 */
import type { BastionPeersFrame, BastionStateFrame } from '../../protocol/bastion.ts';
import type { Channel } from '../channel/channels.ts';
import { Accounts } from './accounts.ts';
import type { bastionEnvelopes } from './bastion-envelopes.ts';
import { DeviceNodes } from './device-nodes.ts';
import { DevicePeers } from './device-peers.ts';
import { type Clients, DeviceWords } from './device-words.ts';
import { Dismissals } from './dismissals.ts';
import type { EndParts, VpnEnd } from './end.ts';
import type { DeviceFacts, Hosting, Node } from './hosting.ts';
import { type Changed, InForce } from './in-force.ts';
import type { Leaving } from './leaving.ts';
import { type ConnectionRow, connectionsBy, connectionsOf, type ServiceRow } from './rows.ts';
import { settled } from './settled.ts';
import type { Traffic } from './traffic.ts';
import { Trouble } from './trouble.ts';
import { Turns } from './turns.ts';
import { presharedKeyOf, wantedNow } from './wanted-now.ts';

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
  readonly #peers: DevicePeers;
  readonly #nodes: DeviceNodes;
  readonly #words: DeviceWords;
  readonly #dismissals: Dismissals;
  /** What was told last; undefined where it is not known for sure. */
  #inForce: InForce | undefined;
  #leaving = false;
  readonly #turns = new Turns(async (due) => {
    if (due === 'all' || !(await this.#amend([...due]))) await this.#apply();
  });

  constructor(row: ServiceRow, parts: DeviceEndParts) {
    this.row = row;
    this.#parts = parts;
    this.#nodes = new DeviceNodes({ ...parts, nodes: () => parts.nodesOf(row) });
    this.#peers = new DevicePeers(this.#nodes);
    this.#words = new DeviceWords(row, { ...parts, nodes: this.#nodes });
    this.#dismissals = new Dismissals(row, parts);
    this.#accounts = new Accounts(row, parts);
    this.#trouble = new Trouble(row, parts);
  }

  get revision(): number {
    return this.#words.revision;
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
    return this.#nodes.waiting(this.revision);
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
      if (!change || !(await this.#words.tellChange(live, change))) return false;
      inForce.amended(changed, now);
      this.#accounts.change(changed);
      this.#peers.change(change.gone.map(keyOf), change.come.map(keyOf));
    } catch (error) {
      log.warn({ err: error, vpn: this.row.name }, 'a change of a VPN service takes the whole of it');
      return false;
    }
    this.#inForce = inForce;
    await this.#outcome(live);
    return live.every((hosting) => hosting.isIn(this.revision) || hosting.hasSent(this.revision));
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
      this.#peers.know(connections);
      const now = clock.now();
      const inForce = new InForce(this.row, connections, presharedKeyOf(keys), now);
      const wanted = await wantedNow(this.row, connections, this.#parts, now);
      const gone = await this.#nodes.set();
      await this.#parts.leaving.over(
        this.row.id,
        this.#nodes.all.map(({ guid }) => guid),
      );
      dismissed = this.#dismissals.dismiss(gone);
      await this.#words.revise(wanted);
      live = await this.#words.tell(wanted);
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
      hosting.isIn(this.revision) ||
      hosting.failure !== null ||
      !hosting.hasSent(this.revision);
    await settled(live, isDone);
    await this.#judge();
    const failures = live.map(({ failure }) => failure);
    if (live.length > 0 && failures.every((failure) => failure !== null)) throw failures[0] as Error;
  }

  /** What operators are told of how it is. */
  async #judge(): Promise<void> {
    const all = this.#nodes.all;
    const failures = all.map(({ failure }) => failure);
    if (all.length > 0 && failures.every((failure) => failure !== null))
      await this.#trouble.failed(failures[0] as Error);
    else if (all.some((hosting) => hosting.said?.state === 'up')) await this.#trouble.over();
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
    this.#dismissals.left(guid);
  }

  heard(guid: string, frame: BastionStateFrame): void {
    const hosting = this.#nodes.get(guid);
    if (!hosting) return;
    hosting.heard(frame);
    this.#words.heard(frame.revision);
    this.tick();
    void this.#judge();
  }

  /** By a device that is not to run it, and does not. */
  heardGone(guid: string, frame: BastionStateFrame): void {
    this.#dismissals.heardGone(guid, frame);
  }

  /** Names of those that have not said that they have what they are to have. */
  get behind(): readonly string[] {
    return this.#nodes.all.filter((one) => !one.isIn(this.revision)).map(({ name }) => name);
  }

  heardPeers(guid: string, frame: BastionPeersFrame): void {
    this.#peers.heard(guid, frame, this.#parts.clock.now());
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
        this.#parts.channelOf(hosting.guid) && (this.#words.isUnknown || hosting.needs(this.revision, now)),
    );
    if (open) void this.apply().catch(() => undefined); // told of by #trouble
  }

  // Traffic

  async look(): Promise<void> {
    if (!this.#peers.areKnown) return;
    await this.#accounts.count((row) => this.#peers.of(row, this.trafficOf(row)), this.#parts.clock.now());
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
    await this.#dismissals.dismiss(this.#nodes.all);
  }
}

const keyOf = ({ peer }: Clients['gone'][number]): string => peer.publicKey;
