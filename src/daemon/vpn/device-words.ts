/**
 * What the devices of a service were told that it is, under which revision: the whole once for each that is new and once
 * for each channel; what a few connections change alone to whoever has said that it holds the one before.
 */
import { amendedDigest, digestText, type ServiceDigest, serviceDigest } from '../../crypto/service-digest.ts';
import type { HostedClient } from '../../protocol/bastion.ts';
import type { WantedNetwork } from '../../wg/types.ts';
import type { Channel } from '../channel/channels.ts';
import type { bastionEnvelopes } from './bastion-envelopes.ts';
import { DeviceNodes } from './device-nodes.ts';
import type { EndParts } from './end.ts';
import { hostedService } from './hosted-service.ts';
import type { Hosting } from './hosting.ts';
import type { ServiceRow } from './rows.ts';

/** Further than a store that was restored can be behind. */
const AHEAD_MAX = 1_000_000;

export interface Clients {
  readonly gone: readonly HostedClient[];
  readonly come: readonly HostedClient[];
}

export interface DeviceWordsParts extends Pick<EndParts, 'store' | 'keys' | 'clock'> {
  readonly envelopes: ReturnType<typeof bastionEnvelopes>;
  /** Of the agent that is root. */
  readonly channelOf: (guid: string) => Pick<Channel, 'send'> | undefined;
  readonly nodes: DeviceNodes;
}

export class DeviceWords {
  readonly #row: ServiceRow;
  readonly #parts: DeviceWordsParts;
  #revision: number;
  #told: string | null;

  constructor(row: ServiceRow, parts: DeviceWordsParts) {
    this.#row = row;
    this.#parts = parts;
    this.#revision = row.revision;
    this.#told = row.told;
  }

  get revision(): number {
    return this.#revision;
  }

  /** Whether it is not known what is in force under the revision. */
  get isUnknown(): boolean {
    return this.#told === null;
  }

  /** A store that was restored knows less than the device, which would take nothing older. */
  heard(revision: number): void {
    if (revision <= this.#revision || revision > this.#revision + AHEAD_MAX) return;
    this.#revision = revision;
    this.#told = null;
  }

  /** Another revision, if it is to be otherwise than what was told last. */
  async revise(wanted: WantedNetwork): Promise<void> {
    const digests = new Map<Hosting, ServiceDigest>();
    for (const hosting of this.#parts.nodes.all)
      digests.set(hosting, serviceDigest(hostedService(this.#row, wanted, hosting.node)));
    for (const [hosting, digest] of digests) hosting.digest = digest;
    const told = this.#toldOf(digests);
    if (told === this.#told) return;
    const revision = this.#revision + 1;
    await this.#keep(revision, told);
    this.#revision = revision;
    this.#told = told;
  }

  /** To those that are connected. What cannot be sent now is sent when it can. */
  async tell(wanted: WantedNetwork): Promise<readonly Hosting[]> {
    const { channelOf, envelopes, clock, nodes } = this.#parts;
    const { live } = nodes;
    for (const hosting of live) {
      const { node, guid } = hosting;
      const channel = channelOf(guid);
      if (!channel || hosting.isIn(this.#revision)) continue;
      if (hosting.hasSent(this.#revision) && !hosting.needs(this.#revision, clock.monotonic())) continue;
      const service = hostedService(this.#row, wanted, node);
      const sent = (await envelopes.hold(guid, service, this.#revision)).every((envelope) =>
        channel.send({ type: 'BASTION', envelope }),
      );
      if (sent) hosting.sent(this.#revision, clock.monotonic());
    }
    return live;
  }

  /** False: nothing was told, for it takes the whole; or the store has it, and the whole is to be told. */
  async tellChange(live: readonly Hosting[], change: Clients): Promise<boolean> {
    const revision = this.#revision;
    const next = new Map<Hosting, ServiceDigest>();
    for (const hosting of this.#parts.nodes.all) {
      if (hosting.digest === null) return false;
      next.set(hosting, amendedDigest(hosting.digest, change));
    }
    const told = this.#toldOf(next);
    if (told === this.#told) return true;
    const words = this.#changeWords(live, change, next);
    if (words === null) return false;
    await this.#keep(revision + 1, told);
    // A device said meanwhile that it has something newer than the store.
    if (this.#revision !== revision) return false;
    this.#revision = revision + 1;
    this.#told = told;
    for (const [hosting, digest] of next) hosting.digest = digest;
    const { channelOf, clock } = this.#parts;
    for (const [hosting, envelope] of words)
      if (channelOf(hosting.guid)?.send({ type: 'BASTION', envelope }))
        hosting.sent(this.#revision, clock.monotonic());
    return true;
  }

  /** Null where one of them does not hold what it is a change of, or it is too long. */
  #changeWords(
    live: readonly Hosting[],
    { gone, come }: Clients,
    next: ReadonlyMap<Hosting, ServiceDigest>,
  ): (readonly [Hosting, string])[] | null {
    const revision = this.#revision;
    const words: (readonly [Hosting, string])[] = [];
    for (const hosting of live) {
      const { guid, digest } = hosting;
      const after = next.get(hosting);
      if (digest === null || after === undefined || !hosting.holds(revision, digest)) return null;
      const from = { revision, digest: digestText(digest) };
      const to = { revision: revision + 1, digest: digestText(after) };
      const word = this.#parts.envelopes.amend(guid, this.#row.id, {
        from,
        to,
        gone: [...gone],
        come: [...come],
      });
      if (word === null) return null;
      words.push([hosting, word]);
    }
    return words;
  }

  #toldOf(digests: ReadonlyMap<Hosting, ServiceDigest>): string {
    return this.#parts.keys.derive('vpn told', DeviceNodes.textOf(digests)).toString('base64url');
  }

  async #keep(revision: number, told: string): Promise<void> {
    await this.#parts.store.write(({ db }) =>
      db.updateTable('vpn_service').set({ revision, told }).where('id', '=', this.#row.id).execute(),
    );
  }
}
