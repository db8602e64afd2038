/** A node's part in a pair, on this machine. */
import { openDatagrams } from '../../ha/datagrams.ts';
import { openFloatingAddress } from '../../ha/floating-address.linux.ts';
import { Duty, type DutyParts } from './duty.ts';

/** Errors: HA_NO_INTERFACE, HA_ADDRESS_TAKEN, NET_ADMIN_REQUIRED, PORT_TAKEN, UNSUPPORTED_PLATFORM. */
export const openDuty = async (parts: Omit<DutyParts, 'address' | 'datagrams'>): Promise<Duty> => {
  const { ha } = parts;
  const address = openFloatingAddress({ address: ha.address, interfaceName: ha.interface });
  try {
    const datagrams = await openDatagrams({
      address: address.ownAddress,
      port: ha.port,
      key: Buffer.from(ha.key, 'base64url'),
      self: ha.self,
      other: ha.other,
    });
    return new Duty({ ...parts, address, datagrams });
  } catch (error) {
    address.close();
    throw error;
  }
};
