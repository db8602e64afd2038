/** What is kept of tunnels: an address and allowed ports for each device, and the sessions that are open. */
import { BorealisError } from '../../protocol/errors.ts';
import { DEFAULT_PORTS } from '../../protocol/tunnel.ts';
import { Compiled, CompiledSelect } from '../../store/compiled.ts';
import type { TunnelDeviceTable, TunnelSessionTable } from '../../store/schema.ts';
import type { Database, Transaction } from '../../store/store.ts';
import { type Network, numberOf, ownAddress, textOf } from '../../wg/addresses.ts';

export interface DeviceTunnel {
  /** Null before its first tunnel. */
  readonly address: string | null;
  readonly ports: readonly string[];
}

const deviceOf = new CompiledSelect<TunnelDeviceTable, [guid: string]>((db) =>
  db.selectFrom('tunnel_device').selectAll().where('guid', '=', ''),
);

export const readDeviceTunnel = async (db: Database, guid: string): Promise<DeviceTunnel> => {
  const [row] = await deviceOf.all(db, [guid]);
  return { address: row?.address == null ? null : textOf(BigInt(row.address), 4), ports: portsOf(row) };
};

const portsOf = (row: { ports_json: string | null } | undefined): readonly string[] =>
  row?.ports_json == null ? DEFAULT_PORTS : (JSON.parse(row.ports_json) as string[]);

/**
 * The device's address, given now where it has none, or one of another network. The lowest that is free: those of
 * removed devices are given again. None in the `holes`, which the host has other uses for. Errors: TUNNEL_ADDRESSES_USED_UP.
 */
export const giveAddress = async (
  tx: Transaction,
  guid: string,
  network: Network,
  holes: readonly Network[] = [],
): Promise<string> => {
  const [row] = await deviceOf.all(tx.db, [guid]);
  const held = row?.address;
  if (held != null && isOf(held, network, holes)) return textOf(BigInt(held), 4);
  const { first, last } = usable(network);
  let address = await lowestFree(tx, first);
  for (let hole = holeOf(address, holes); hole; hole = holeOf(address, holes))
    address = await lowestFree(tx, Number(hole.last) + 1);
  if (address > last)
    throw new BorealisError('TUNNEL_ADDRESSES_USED_UP', { detail: `The network is ${network.text}.` });
  await setAddress.run(tx.db, [guid, address, row?.ports_json ?? null, address]);
  return textOf(BigInt(address), 4);
};

/** Whether an address that was given before may still be a device's. */
export const isOf = (address: number, network: Network, holes: readonly Network[]): boolean => {
  const { first, last } = usable(network);
  return address >= first && address <= last && !holeOf(address, holes);
};

/** For devices: the first is the engine's, the last the broadcast address. */
const usable = (network: Network) => ({
  first: Number(ownAddress(network)) + 1,
  last: Number(network.last) - 1,
});

const holeOf = (address: number, holes: readonly Network[]): Network | undefined =>
  holes.find(({ first, last }) => first <= address && address <= last);

type AddressValues = [guid: string, address: number, ports: string | null, again: number];
const setAddress = new Compiled<AddressValues>((db) =>
  db
    .insertInto('tunnel_device')
    .values({ guid: '', address: 0, ports_json: '' })
    .onConflict((conflict) => conflict.column('guid').doUpdateSet({ address: 0 })),
);

/** Where the first gap after `first` begins: an index answers it. */
const lowestFree = async (tx: Transaction, first: number): Promise<number> => {
  const [held] = await rowFrom.all(tx.db, [first]);
  const last = held?.last ?? first - 1;
  // Most often all are in one row: to count them is far quicker than to ask for each whether the next is there.
  if (held?.count === last - first + 1) return last + 1;
  const [taken] = await whoHas.all(tx.db, [first]);
  if (!taken) return first;
  const [gap] = await gaps.all(tx.db, [1, first, 1]);
  return Number(gap!.free);
};

const rowFrom = new CompiledSelect<{ count: number; last: number | null }, [first: number]>((db) =>
  db
    .selectFrom('tunnel_device')
    .select((eb) => [eb.fn.count<number>('address').as('count'), eb.fn.max('address').as('last')])
    .where('address', '>=', 0),
);
const whoHas = new CompiledSelect<Pick<TunnelDeviceTable, 'address'>, [address: number]>((db) =>
  db.selectFrom('tunnel_device').select('address').where('address', '=', 0),
);
const gaps = new CompiledSelect<{ free: number | string | null }, [one: 1, first: number, one: 1]>((db) =>
  db
    .selectFrom('tunnel_device as one')
    .select((eb) => eb('one.address', '+', 1).as('free'))
    .where('one.address', '>=', 0)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('tunnel_device as next')
            .select('next.guid')
            .where((inner) => inner('next.address', '=', inner('one.address', '+', 1))),
        ),
      ),
    )
    .orderBy('one.address')
    .limit(1),
);

export const setPorts = async (tx: Transaction, guid: string, ports: readonly string[]): Promise<void> => {
  const ports_json = JSON.stringify(ports);
  await tx.db
    .insertInto('tunnel_device')
    .values({ guid, address: null, ports_json })
    .onConflict((conflict) => conflict.column('guid').doUpdateSet({ ports_json }))
    .execute();
};

export interface KeptSession {
  readonly row: TunnelSessionTable;
  readonly name: string;
  readonly address: string;
  readonly ports: readonly string[];
}

/** Those of devices in good standing. */
export const keptSessions = async (db: Database): Promise<KeptSession[]> => {
  const rows = await db
    .selectFrom('tunnel_session')
    .innerJoin('device', 'device.guid', 'tunnel_session.guid')
    .innerJoin('tunnel_device', 'tunnel_device.guid', 'tunnel_session.guid')
    .selectAll('tunnel_session')
    .select(['device.name', 'tunnel_device.address', 'tunnel_device.ports_json'])
    .where('device.state', '=', 'active')
    .execute();
  return rows.flatMap(({ name, address, ports_json, ...row }) =>
    address === null
      ? []
      : [{ row, name, address: textOf(BigInt(address), 4), ports: portsOf({ ports_json }) }],
  );
};

type SessionValues = [
  tunnelId: string,
  publicKey: string,
  operators: string,
  startedAt: number,
  usedAt: number,
];
const NOTHING = { tunnel_id: '', public_key: '', operators_json: '', started_at: 0, used_at: 0 };
const upsertSession = new Compiled<[guid: string, ...SessionValues, ...SessionValues]>((db) =>
  db
    .insertInto('tunnel_session')
    .values({ guid: '', ...NOTHING })
    .onConflict((conflict) => conflict.column('guid').doUpdateSet(NOTHING)),
);

export const keepSession = async (tx: Transaction, row: TunnelSessionTable): Promise<void> => {
  const { guid, tunnel_id, public_key, operators_json, started_at, used_at } = row;
  const rest: SessionValues = [tunnel_id, public_key, operators_json, started_at, used_at];
  await upsertSession.run(tx.db, [guid, ...rest, ...rest]);
};

export const forgetSession = async (tx: Transaction, guid: string): Promise<void> => {
  await tx.db.deleteFrom('tunnel_session').where('guid', '=', guid).execute();
};

/** `10.255.0.0/16` as it is configured. Errors: CONFIG_INVALID. */
export const engineAddress = (network: Network): string => textOf(ownAddress(network), 4);
export const addressNumber = (address: string): number => Number(numberOf(address));
