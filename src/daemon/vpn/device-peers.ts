/** What devices say of a service's peers: of its connections only, counted as one where two devices have them. */
import type { BastionPeersFrame } from '../../protocol/bastion.ts';
import type { ObservedPeer } from '../../wg/types.ts';
import type { DeviceNodes } from './device-nodes.ts';
import { PairCounters } from './pair-counters.ts';
import type { ConnectionRow } from './rows.ts';
import type { Traffic } from './traffic.ts';

export class DevicePeers {
  readonly #nodes: DeviceNodes;
  readonly #counters = new PairCounters();
  /** Public keys, of connections that are shut out too. */
  #keys = new Set<string>();

  constructor(nodes: DeviceNodes) {
    this.#nodes = nodes;
  }

  /** All connections that there are now. */
  know(connections: readonly Pick<ConnectionRow, 'public_key'>[]): void {
    this.#keys = new Set(connections.flatMap(({ public_key }) => public_key ?? []));
    this.#forget();
  }

  /** Public keys that are no more, and that are new. */
  change(gone: readonly string[], come: readonly string[]): void {
    for (const key of gone) this.#keys.delete(key);
    for (const key of come) this.#keys.add(key);
    this.#forget();
  }

  #forget(): void {
    for (const hosting of this.#nodes.all) hosting.forgetPeers((key) => this.#keys.has(key));
  }

  /** `now`: milliseconds since 1970. */
  heard(guid: string, frame: BastionPeersFrame, now: number): void {
    this.#nodes.get(guid)?.heardPeers(frame, (key) => this.#keys.has(key), now);
  }

  /** Whether a device has said anything yet. */
  get areKnown(): boolean {
    return this.#nodes.all.some(({ peers }) => peers.size > 0);
  }

  /** Undefined where no device has it. `before`: what was counted until now. */
  of(row: ConnectionRow & { readonly public_key: string }, before: Traffic): ObservedPeer | undefined {
    const { all } = this.#nodes;
    const only = all.length === 1 && all[0]?.node.ha === null ? all[0] : undefined;
    if (only) return only.peers.get(row.public_key);
    const found = all.flatMap(({ guid, peers }) => {
      const peer = peers.get(row.public_key);
      return peer ? [{ guid, peer }] : [];
    });
    return this.#counters.joined(row, before, found);
  }
}
