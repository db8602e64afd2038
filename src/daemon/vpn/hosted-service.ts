/** What a device is told to be for a service: the network that it wants, and the device's part in a pair. Pure. */
import type { HostedService } from '../../protocol/bastion.ts';
import type { WantedNetwork } from '../../wg/types.ts';
import type { Node } from './hosting.ts';
import type { ServiceRow } from './rows.ts';
import { familiesOf } from './wanted-now.ts';

export const hostedService = (row: ServiceRow, wanted: WantedNetwork, { ha }: Node): HostedService => {
  const { interfaces, firewall } = wanted;
  const floating = ha && { address: ha.address.split('/', 1)[0], port: row.listen_port };
  return {
    id: row.id,
    name: row.name,
    network: { interfaces, firewall: { ...firewall, ...(floating && { floating }) } },
    families: [...familiesOf(wanted)].sort(),
    ha,
    // Made above from checked rows; the agent checks it again.
  } as HostedService;
};
