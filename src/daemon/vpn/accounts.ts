/** What the connections of one service carry: counted on from what the store has, stored from time to time. */
import type { ObservedPeer } from '../../wg/types.ts';
import type { NewEvent } from '../events/log.ts';
import type { EndParts } from './end.ts';
import type { Changed } from './in-force.ts';
import type { ConnectionRow, ServiceRow } from './rows.ts';
import { nextTraffic, type Traffic } from './traffic.ts';

export class Accounts {
  readonly #row: ServiceRow;
  readonly #parts: Pick<EndParts, 'store' | 'events'>;
  #connections: readonly ConnectionRow[] = [];
  readonly #traffic = new Map<string, Traffic>();
  /** Whose traffic is not stored as it is. */
  readonly #unstored = new Set<string>();

  constructor(row: ServiceRow, parts: Pick<EndParts, 'store' | 'events'>) {
    this.#row = row;
    this.#parts = parts;
  }

  get connections(): readonly ConnectionRow[] {
    return this.#connections;
  }

  /** As the store has them now. */
  set connections(rows: readonly ConnectionRow[]) {
    this.#connections = rows;
    const there = new Set(rows.map(({ id }) => id));
    for (const id of [...this.#traffic.keys()]) {
      if (there.has(id)) continue;
      this.#traffic.delete(id);
      this.#unstored.delete(id);
    }
  }

  /** These are others than before, or no more; the rest are as they were. */
  change(changed: readonly Changed[]): void {
    const others = new Map(changed);
    const rows = this.#connections.filter(({ id }) => !others.has(id));
    this.connections = [...rows, ...[...others.values()].filter((row) => row !== undefined)];
  }

  /** When the next one expires; null: none does. */
  get nextExpiry(): number | null {
    const due = this.#connections.flatMap(({ expires_at, expired_at }) =>
      expires_at === null || expired_at !== null ? [] : [expires_at],
    );
    return due.length === 0 ? null : Math.min(...due);
  }

  trafficOf(row: ConnectionRow): Traffic {
    return this.#traffic.get(row.id) ?? row;
  }

  /** Tells who came and who went. `peerOf`: as WireGuard has it now; undefined: it does not. */
  async count(
    peerOf: (row: ConnectionRow & { readonly public_key: string }) => ObservedPeer | undefined,
    now: number,
  ): Promise<void> {
    const told: NewEvent[] = [];
    for (const row of this.#connections) {
      const { public_key } = row;
      if (public_key === null) continue;
      const before = this.trafficOf(row);
      const after = nextTraffic(before, peerOf({ ...row, public_key }), now);
      if (isSame(before, after)) continue;
      this.#traffic.set(row.id, after);
      this.#unstored.add(row.id);
      if ((before.connected_since === null) !== (after.connected_since === null))
        told.push(arrival(this.#row, row, after));
    }
    if (told.length > 0) await this.store(told);
  }

  /** What has been counted, to the disk, with these events. */
  async store(told: readonly NewEvent[] = []): Promise<void> {
    const { store, events } = this.#parts;
    const changed = [...this.#unstored].map((id) => [id, this.#traffic.get(id)] as const);
    if (changed.length === 0 && told.length === 0) return;
    this.#unstored.clear();
    await store.write(async (tx) => {
      for (const [id, traffic] of changed)
        if (traffic) await tx.db.updateTable('vpn_connection').set(traffic).where('id', '=', id).execute();
      for (const event of told) await events.record(tx, event);
    });
  }
}

const isSame = (a: Traffic, b: Traffic): boolean =>
  a.last_handshake === b.last_handshake &&
  a.connected_since === b.connected_since &&
  a.endpoint === b.endpoint &&
  a.rx_bytes === b.rx_bytes &&
  a.tx_bytes === b.tx_bytes &&
  a.rx_seen === b.rx_seen &&
  a.tx_seen === b.tx_seen;

const arrival = (service: ServiceRow, { name }: ConnectionRow, traffic: Traffic): NewEvent => {
  const came = traffic.connected_since !== null;
  return {
    type: came ? 'connection.connected' : 'connection.disconnected',
    message: `${name} of the VPN service ${service.name} ${came ? `is connected, from ${traffic.endpoint}` : 'is gone'}`,
    data: { vpn: service.name, connection: name, endpoint: traffic.endpoint },
  };
};
