/** Addresses of a service: one number for both families, counted from the pools' first addresses; given once. */
import { BorealisError } from '../../protocol/errors.ts';
import type { Transaction } from '../../store/store.ts';
import { nextAddress, numberOf, parseNetwork, textOf } from '../../wg/addresses.ts';
import type { ServiceRow } from './rows.ts';

/** The service's own. */
const OWN = 1;

export interface PoolAddresses {
  /** Without their prefix lengths. */
  readonly four: string;
  readonly six: string | null;
}

type Pools = Pick<ServiceRow, 'pool' | 'pool6'>;

export const addressesOf = ({ pool, pool6 }: Pools, number: number): PoolAddresses => ({
  four: textOf(parseNetwork(pool, 'pool').first + BigInt(number), 4),
  six: pool6 === null ? null : textOf(parseNetwork(pool6, 'pool6').first + BigInt(number), 6),
});

export const ownAddresses = (pools: Pools): PoolAddresses => addressesOf(pools, OWN);

/** Errors: INVALID_INPUT. */
export const demandPools = ({ pool, pool6 }: Pools): void => {
  const four = parseNetwork(pool, 'pool');
  if (four.length < 8 || four.length > 30)
    throw new BorealisError('INVALID_INPUT', {
      detail: `pool ${pool}: its prefix length must be from 8 to 30.`,
    });
  if (pool6 === null) return;
  const six = parseNetwork(pool6, 'pool6');
  if (six.last - six.first < four.last - four.first)
    throw new BorealisError('INVALID_INPUT', {
      detail: `pool6 ${pool6} has fewer addresses than ${pool}; each connection gets one of both.`,
    });
};

/** The next, or the one that is asked for. Errors: POOL_USED_UP, ADDRESS_TAKEN, INVALID_INPUT. */
export const giveNumber = async (
  tx: Transaction,
  service: ServiceRow,
  wanted: string | undefined,
): Promise<number> => {
  const number = wanted === undefined ? await nextNumber(tx, service) : await thisNumber(tx, service, wanted);
  await tx.db.insertInto('vpn_address').values({ vpn_id: service.id, number }).execute();
  return number;
};

const nextNumber = async (tx: Transaction, service: ServiceRow): Promise<number> => {
  const pool = parseNetwork(service.pool, 'pool');
  let number = service.given;
  do number = Number(nextAddress(pool, pool.first + BigInt(number)) - pool.first);
  while (await isGiven(tx, service, number));
  await tx.db.updateTable('vpn_service').set({ given: number }).where('id', '=', service.id).execute();
  return number;
};

const thisNumber = async (tx: Transaction, service: ServiceRow, wanted: string): Promise<number> => {
  const pool = parseNetwork(service.pool, 'pool');
  const address = numberOf(wanted);
  if (address <= pool.first || address >= pool.last)
    throw new BorealisError('INVALID_INPUT', {
      detail: `address: ${wanted} is no host's address in ${pool.text}.`,
    });
  const number = Number(address - pool.first);
  if (number === OWN)
    throw new BorealisError('ADDRESS_TAKEN', { detail: `${wanted} is that of ${service.name} itself.` });
  if (await isGiven(tx, service, number))
    throw new BorealisError('ADDRESS_TAKEN', { detail: `${wanted} is meant.` });
  return number;
};

const isGiven = async (tx: Transaction, { id }: ServiceRow, number: number): Promise<boolean> =>
  (await tx.db
    .selectFrom('vpn_address')
    .select('number')
    .where('vpn_id', '=', id)
    .where('number', '=', number)
    .executeTakeFirst()) !== undefined;
