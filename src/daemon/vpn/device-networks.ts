/** The networks that devices are in or have routes to, as their inventories have them: a service there must not take them from somebody. */
import { inventory } from '../../protocol/device.ts';
import type { Database } from '../../store/store.ts';
import { network } from '../../wg/cidr.ts';

export interface DeviceNetwork {
  readonly network: string;
  /** Of the device. */
  readonly name: string;
  /** Null: of a route that leads nowhere. */
  readonly interface: string | null;
  readonly isRoute: boolean;
}

/** Of services and tunnels, of whatever engine: who has which of those is known otherwise. */
const OURS = /^(bvpn|borealis)\d+$/;
/** Of every link, and so nobody's. */
const LINK_LOCAL = /^(fe80|169\.254\.)/i;

/** Of those that have told of them. */
export const deviceNetworks = async (db: Database, guids: readonly string[]): Promise<DeviceNetwork[]> => {
  if (guids.length === 0) return [];
  const rows = await db
    .selectFrom('inventory')
    .innerJoin('device', 'device.guid', 'inventory.guid')
    .select(['device.name', 'inventory.document_json'])
    .where('inventory.guid', 'in', guids)
    .execute();
  return rows.flatMap(({ name, document_json }) => {
    const { interfaces, routes } = inventory
      .pick({ interfaces: true, routes: true })
      .parse(pick(document_json));
    const networks = interfaces.flatMap(({ name: interfaceName, addresses }) =>
      addresses
        // Without its length nobody knows where a network ends.
        .filter((text) => text.includes('/') && !LINK_LOCAL.test(text))
        .map((text) => ({ network: network(text), name, interface: interfaceName, isRoute: false })),
    );
    const led = routes.map((route) => ({ ...route, name, isRoute: true }));
    return [...networks, ...led].filter(({ interface: at }) => at === null || !OURS.test(at));
  });
};

const pick = (json: string): unknown => {
  const { interfaces, routes } = JSON.parse(json) as Readonly<Record<string, unknown>>;
  return { interfaces, routes };
};
