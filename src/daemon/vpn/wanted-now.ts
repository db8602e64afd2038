/** What a service wants now, with its keys: as the store and the key ring have them. */
import { BorealisError } from '../../protocol/errors.ts';
import type { IpFamily } from '../../wg/forwarding.ts';
import type { WantedNetwork } from '../../wg/types.ts';
import type { EndParts } from './end.ts';
import { type ConnectionRow, connectionSecret, type ServiceRow, serviceSecret } from './rows.ts';
import { type PresharedKeyOf, wantedVpn } from './wanted.ts';

/** Errors: KEYS_UNOPENED. */
export const wantedNow = async (
  row: ServiceRow,
  connections: readonly ConnectionRow[],
  { keys, clock }: Pick<EndParts, 'keys' | 'clock'>,
  now = clock.now(),
): Promise<WantedNetwork> => {
  const secret = await keys.get(serviceSecret(row.id));
  if (!secret)
    throw new BorealisError('KEYS_UNOPENED', {
      detail: `The key of the VPN service ${row.name} is missing.`,
    });
  const own = { privateKey: secret.toString('base64'), presharedKeyOf: presharedKeyOf(keys) };
  return wantedVpn(row, connections, own, now);
};

export const presharedKeyOf =
  (keys: Pick<EndParts['keys'], 'unseal'>): PresharedKeyOf =>
  ({ id, preshared_key }) =>
    preshared_key && keys.unseal(connectionSecret(id), preshared_key).toString('base64');

/** Of packets that are to be passed on. */
export const familiesOf = ({ firewall }: WantedNetwork): ReadonlySet<IpFamily> => {
  const networks = firewall && 'pools' in firewall ? [...firewall.local, ...firewall.sites] : [];
  return new Set(networks.map((text): IpFamily => (text.includes(':') ? 6 : 4)));
};
