/** Pairs and their switches in the store. */
import type { HaSwitch } from '../../protocol/bastion.ts';
import type { HaPairTable, HaSwitchTable } from '../../store/schema.ts';
import type { Database, Transaction } from '../../store/store.ts';
import type { ServiceRow } from '../vpn/rows.ts';

export type PairRow = HaPairTable;
export type SwitchRow = HaSwitchTable;

/** Of one service: what a hostile device can fill. */
const SWITCHES_KEPT = 2_000;

export const pairSecret = (vpnId: string): string => `ha-pair-key:${vpnId}`;

export const allPairs = (db: Database): Promise<PairRow[]> =>
  db.selectFrom('ha_pair').selectAll().orderBy('vpn_id').execute();

/** By its id alone: names of services may look like ids of others. */
export const serviceOf = (db: Database, vpnId: string): Promise<ServiceRow | undefined> =>
  db.selectFrom('vpn_service').selectAll().where('id', '=', vpnId).executeTakeFirst();

export const endpointsOf = async (db: Database, vpnId: string): Promise<Map<string, string | null>> => {
  const rows = await db
    .selectFrom('ha_node')
    .select(['guid', 'endpoint'])
    .where('vpn_id', '=', vpnId)
    .execute();
  return new Map(rows.map(({ guid, endpoint }) => [guid, endpoint]));
};

export const insertPair = async ({ db }: Transaction, row: PairRow): Promise<void> => {
  await db.insertInto('ha_pair').values(row).execute();
  // It has waited for that.
  await db.deleteFrom('engine_fact').where('name', '=', promisedFact(row.address)).execute();
  const nodes = [row.primary_guid, row.standby_guid];
  await db
    .insertInto('ha_node')
    .values(nodes.map((guid) => ({ vpn_id: row.vpn_id, guid, endpoint: null })))
    .execute();
};

/** Of an address of which a pair was taken apart: for how many seconds one of its nodes may have it still. */
const PROMISED = 'ha-promised:';
const promisedFact = (address: string): string => `${PROMISED}${address.split('/', 1)[0]}`;

/** Address and seconds: an engine after this one waits for them as this one would have. */
export const promisedOnce = async (db: Database): Promise<(readonly [string, number])[]> => {
  const rows = await db
    .selectFrom('engine_fact')
    .selectAll()
    .where('name', '>=', PROMISED)
    .where('name', '<', `${PROMISED}~`)
    .execute();
  return rows.map(({ name, value }) => [name.slice(PROMISED.length), Number(value)] as const);
};

export const deletePair = async ({ db }: Transaction, vpnId: string): Promise<void> => {
  const pair = await db
    .selectFrom('ha_pair')
    .select(['address', 'lease_seconds'])
    .where('vpn_id', '=', vpnId)
    .executeTakeFirst();
  if (pair) {
    const value = String(pair.lease_seconds);
    await db
      .insertInto('engine_fact')
      .values({ name: promisedFact(pair.address), value })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
      .execute();
  }
  await db.deleteFrom('ha_pair').where('vpn_id', '=', vpnId).execute();
};

export const updatePair = async (
  { db }: Transaction,
  vpnId: string,
  set: Partial<Pick<PairRow, 'primary_guid' | 'standby_guid' | 'sealed_key'>>,
): Promise<void> => {
  await db.updateTable('ha_pair').set(set).where('vpn_id', '=', vpnId).execute();
};

export const keepEndpoint = async (
  { db }: Transaction,
  vpnId: string,
  guid: string,
  endpoint: string,
): Promise<void> => {
  await db
    .updateTable('ha_node')
    .set({ endpoint })
    .where('vpn_id', '=', vpnId)
    .where('guid', '=', guid)
    .execute();
};

export interface Device {
  readonly guid: string;
  readonly name: string;
  readonly state: 'active' | 'quarantined' | 'revoked';
}

/** Those that are not there are left out. */
export const devicesOf = async (db: Database, guids: readonly string[]): Promise<Map<string, Device>> => {
  const rows = await db
    .selectFrom('device')
    .select(['guid', 'name', 'state'])
    .where('guid', 'in', [...guids])
    .execute();
  return new Map(rows.map((row) => [row.guid, row]));
};

/** Newest first. */
export const switchesOf = (db: Database, vpnId: string, limit: number): Promise<SwitchRow[]> =>
  db
    .selectFrom('ha_switch')
    .selectAll()
    .where('vpn_id', '=', vpnId)
    .orderBy('at', 'desc')
    .limit(limit)
    .execute();

/** False where it was kept before: an agent tells until it has heard that it was. */
export const keepSwitch = async ({ db }: Transaction, row: SwitchRow, now: number): Promise<boolean> => {
  const known = await db
    .selectFrom('ha_switch')
    .select('id')
    .where('vpn_id', '=', row.vpn_id)
    .where('id', '=', row.id)
    .executeTakeFirst();
  if (known) return false;
  await db
    .updateTable('ha_switch')
    .set({ at: timeBefore(row) })
    .where('vpn_id', '=', row.vpn_id)
    .where('at', '>', now)
    .execute();
  await db.insertInto('ha_switch').values(row).execute();
  const oldest = await db
    .selectFrom('ha_switch')
    .select('at')
    .where('vpn_id', '=', row.vpn_id)
    .orderBy('at', 'desc')
    .offset(SWITCHES_KEPT)
    .limit(1)
    .executeTakeFirst();
  if (oldest)
    await db.deleteFrom('ha_switch').where('vpn_id', '=', row.vpn_id).where('at', '<=', oldest.at).execute();
  return true;
};

/**
 * Of a switch that has a time to come: the engine's clock was ahead when it was kept. It was before the one that is told
 * now, and would otherwise be taken for the last one until its time has come.
 */
export const timeBefore = ({ at }: Pick<SwitchRow, 'at'>): number => at - 1;

export interface Clocks {
  /** The engine's; nothing has happened later than that, whatever the device says. */
  readonly now: number;
  /** By so many milliseconds the device's is ahead of it. */
  readonly ahead: number;
}

export const switchRow = (
  vpnId: string,
  one: HaSwitch,
  nameOf: (guid: string) => string,
  { now, ahead }: Clocks,
): SwitchRow => ({
  vpn_id: vpnId,
  id: one.id,
  at: Math.min(Date.parse(one.at) - ahead, now),
  reason: one.reason,
  from_name: one.from === null ? null : nameOf(one.from),
  to_name: nameOf(one.to),
  gap_ms: one.gap_ms,
  clients: one.clients,
  back: one.back,
});
