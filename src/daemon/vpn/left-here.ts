/**
 * Services that went from this host to devices: an engine that is killed meanwhile leaves their interfaces behind, which
 * would go on to serve clients as they were. Known until they are taken down, and no longer: an agent of this very host may
 * run the service by then, under the same name and with the same key.
 */
import { z } from 'zod';
import type { Store, Transaction } from '../../store/store.ts';
import type { GatewayNetwork } from '../../wg/network.ts';
import type { ServiceRow } from './rows.ts';

const FACT = 'vpn-leaves-host:';
const place = z.object({ interface: z.string(), public_key: z.string() });

/** It is to go; in the transaction that says so. Nothing where it is not on this host. */
export const leavesHost = async ({ db }: Transaction, row: ServiceRow): Promise<void> => {
  if (row.node !== 'engine') return;
  const value = JSON.stringify({ interface: row.interface, public_key: row.public_key });
  await db
    .insertInto('engine_fact')
    .values({ name: `${FACT}${row.id}`, value })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
    .execute();
};

/** It is gone, or stays. */
export const hasLeftHost = async (store: Pick<Store, 'read' | 'write'>, vpnId: string): Promise<void> => {
  const name = `${FACT}${vpnId}`;
  const known = await store.read
    .selectFrom('engine_fact')
    .select('name')
    .where('name', '=', name)
    .executeTakeFirst();
  if (known) await store.write(({ db }) => db.deleteFrom('engine_fact').where('name', '=', name).execute());
};

/** To be called when an engine begins. `isHere`: whether the service runs on this host. Errors: those of wg/apply.ts. */
export const clearHost = async (
  store: Pick<Store, 'read' | 'write'>,
  networkOf: (interfaceName: string) => GatewayNetwork,
  isHere: (vpnId: string) => boolean,
): Promise<void> => {
  const facts = await store.read
    .selectFrom('engine_fact')
    .selectAll()
    .where('name', '>=', FACT)
    .where('name', '<', `${FACT}~`)
    .execute();
  for (const { name, value } of facts) {
    const id = name.slice(FACT.length);
    const { interface: interfaceName, public_key } = place.parse(JSON.parse(value));
    if (!isHere(id)) {
      const network = networkOf(interfaceName);
      const found = await network.device(interfaceName);
      // Else it is somebody else's by now.
      if (!found?.publicKey || found.publicKey === public_key)
        await network.teardown({ interfaces: [interfaceName], firewall: true });
    }
    await hasLeftHost(store, id);
  }
};
