/** The networks that devices are in, as their inventories have them: a service there must not take them from somebody. */
import { inventory } from '../../protocol/device.ts';
import type { Database } from '../../store/store.ts';
import { network } from '../../wg/cidr.ts';

export interface DeviceNetwork {
  readonly network: string;
  /** Of the device. */
  readonly name: string;
  readonly interface: string;
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
    const { interfaces } = inventory.pick({ interfaces: true }).parse(pickInterfaces(document_json));
    return interfaces
      .filter((one) => !OURS.test(one.name))
      .flatMap(({ name: interfaceName, addresses }) =>
        addresses
          // Without its length nobody knows where a network ends.
          .filter((text) => text.includes('/') && !LINK_LOCAL.test(text))
          .map((text) => ({ network: network(text), name, interface: interfaceName })),
      );
  });
};

const pickInterfaces = (json: string): unknown => {
  const { interfaces } = JSON.parse(json) as { readonly interfaces?: unknown };
  return { interfaces };
};
