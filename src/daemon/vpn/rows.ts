/** VPN services and connections in the store. */
import { randomBytes } from 'node:crypto';
import { BorealisError } from '../../protocol/errors.ts';
import type { VpnConnectionTable, VpnServiceTable } from '../../store/schema.ts';
import type { Database, Transaction } from '../../store/store.ts';

export type ServiceRow = VpnServiceTable;
export type ConnectionRow = VpnConnectionTable;

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const ID_LENGTH = 12;

/** 60 random bits, easy to read out. */
export const newId = (): string => Array.from(randomBytes(ID_LENGTH), (byte) => ALPHABET[byte & 31]).join('');

export const serviceSecret = (id: string): string => `vpn-key:${id}`;
export const connectionSecret = (id: string): string => `vpn-preshared-key:${id}`;

export const allServices = (db: Database): Promise<ServiceRow[]> =>
  db.selectFrom('vpn_service').selectAll().orderBy('name').execute();

export const servicesOf = (db: Database, project: string): Promise<ServiceRow[]> =>
  db.selectFrom('vpn_service').selectAll().where('project', '=', project).orderBy('name').execute();

/** By name, or by id. Errors: VPN_NOT_FOUND. */
export const findService = async (db: Database, ref: string): Promise<ServiceRow> => {
  const services = db.selectFrom('vpn_service').selectAll();
  const row =
    (await services.where('name', '=', ref).executeTakeFirst()) ??
    (await services.where('id', '=', ref).executeTakeFirst());
  if (!row) throw new BorealisError('VPN_NOT_FOUND', { detail: `“${ref}” is none.` });
  return row;
};

export const connectionsOf = (db: Database, vpnId: string): Promise<ConnectionRow[]> =>
  db.selectFrom('vpn_connection').selectAll().where('vpn_id', '=', vpnId).orderBy('name').execute();

/** Those of them that there are. */
export const connectionsBy = (db: Database, ids: readonly string[]): Promise<ConnectionRow[]> =>
  db.selectFrom('vpn_connection').selectAll().where('id', 'in', ids).execute();

export const countConnections = async (db: Database, vpnId: string): Promise<number> => {
  const { count } = await db
    .selectFrom('vpn_connection')
    .select((eb) => eb.fn.countAll().as('count'))
    .where('vpn_id', '=', vpnId)
    .executeTakeFirstOrThrow();
  return Number(count);
};

/** By name, or by id. Errors: CONNECTION_NOT_FOUND. */
export const findConnection = async (
  db: Database,
  service: ServiceRow,
  ref: string,
): Promise<ConnectionRow> => {
  const connections = db.selectFrom('vpn_connection').selectAll().where('vpn_id', '=', service.id);
  const named = await connections.where('name', '=', ref).executeTakeFirst();
  const row =
    named ??
    (await db
      .selectFrom('vpn_connection')
      .selectAll()
      .where('id', '=', ref)
      .executeTakeFirst()
      .then((found) => (found?.vpn_id === service.id ? found : undefined)));
  if (row) return row;
  throw new BorealisError('CONNECTION_NOT_FOUND', {
    detail: `${service.name} has no “${ref}”.`,
    next: `List them with: borealisctl connection list ${service.name}`,
  });
};

export const updateConnection = async (
  tx: Transaction,
  id: string,
  change: Partial<Omit<ConnectionRow, 'id' | 'vpn_id'>>,
): Promise<void> => {
  await tx.db.updateTable('vpn_connection').set(change).where('id', '=', id).execute();
};

export const list = (json: string): string[] => JSON.parse(json) as string[];
