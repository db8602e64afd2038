/**
 * Which connections of a service on this host are in force, as they were applied last: what another row of one of them
 * changes is known without a look at the others. Pure.
 */
import type { Amendment, GatewayClient } from '../../wg/types.ts';
import type { ConnectionRow, ServiceRow } from './rows.ts';
import { clientOf, isActive, type PresharedKeyOf, surroundings } from './wanted.ts';

interface Applied {
  readonly row: ConnectionRow;
  readonly letIn: boolean;
}

/** Undefined where it is no more. */
export type Changed = readonly [id: string, row: ConnectionRow | undefined];

export class InForce {
  readonly #service: ServiceRow;
  readonly #presharedKeyOf: PresharedKeyOf;
  readonly #around: Pick<ReturnType<typeof surroundings>, 'reach' | 'networks'>;
  readonly #applied: Map<string, Applied>;

  /** `now`: when they were applied. */
  constructor(
    service: ServiceRow,
    connections: readonly ConnectionRow[],
    presharedKeyOf: PresharedKeyOf,
    now: number,
  ) {
    this.#service = service;
    this.#presharedKeyOf = presharedKeyOf;
    const applied = connections.map((row): Applied => ({ row, letIn: isActive(row, now) }));
    this.#applied = new Map(applied.map((one) => [one.row.id, one]));
    this.#around = surroundings(
      service,
      applied.flatMap(({ row, letIn }) => (letIn ? [row] : [])),
    );
  }

  /** Null where others are concerned: behind a site are networks, which rules of others lead to. */
  amendment(changed: readonly Changed[], now: number): Amendment | null {
    const gone: GatewayClient[] = [];
    const come: GatewayClient[] = [];
    const client = (row: ConnectionRow) => clientOf(this.#service, row, this.#around, this.#presharedKeyOf);
    for (const [id, row] of changed) {
      const before = this.#applied.get(id);
      if (before?.row.is_site === 1 || row?.is_site === 1) return null;
      if (before?.letIn) gone.push(client(before.row));
      if (row && isActive(row, now)) come.push(client(row));
    }
    return { name: this.#service.interface, gone, come };
  }

  /** It is so by now. `now`: as it was asked for. */
  amended(changed: readonly Changed[], now: number): void {
    for (const [id, row] of changed) {
      if (row) this.#applied.set(id, { row, letIn: isActive(row, now) });
      else this.#applied.delete(id);
    }
  }
}
