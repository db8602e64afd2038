/** A node's part in a pair, on this machine. */
import { openDatagrams } from '../../ha/datagrams.ts';
import { openFloatingAddress } from '../../ha/floating-address.linux.ts';
import type { FloatingAddressOptions } from '../../ha/platform.ts';
import { openDriver } from './driver.ts';
import { Duty } from './duty.ts';
import type { DutyParts } from './duty-parts.ts';
import { filesIn } from './keepalived/config.ts';
import { endLeftOver, removeFiles } from './keepalived/left-over.ts';

export interface OpenParts extends Omit<DutyParts, 'address' | 'decide' | 'datagrams'> {
  /** The service's name, which a hook is told. */
  readonly vpn: string;
  /** Of this pair alone, private; need not exist. */
  readonly directory: string;
}

/** Errors: HA_NO_INTERFACE, HA_ADDRESS_TAKEN, NET_ADMIN_REQUIRED, PORT_TAKEN, PROGRAM_MISSING, UNSUPPORTED_PLATFORM. */
export const openDuty = async ({ vpn, directory, ...parts }: OpenParts): Promise<Duty> => {
  const { ha, log } = parts;
  const driver = await openDriver({ ha, vpn, directory, open: openFloatingAddress, log });
  const { address } = driver;
  try {
    const datagrams = await openDatagrams({
      address: address.ownAddress,
      port: ha.port,
      key: Buffer.from(ha.key, 'base64url'),
      self: ha.self,
      other: ha.other,
    });
    return new Duty({ ...parts, ...driver, datagrams });
  } catch (error) {
    await address.close();
    throw error;
  }
};

/**
 * What an agent that was killed has left of a pair that is no more: the address, and then its fence. Errors: those of
 * openFloatingAddress.
 */
export const clearDuty = async ({
  directory,
  ...place
}: FloatingAddressOptions & { readonly directory: string }): Promise<void> => {
  const files = filesIn(directory);
  await endLeftOver(files);
  await removeFiles(files);
  await openFloatingAddress(place).close();
};
