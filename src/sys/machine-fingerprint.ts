/** A number that stays with the machine: shows that a device which enrols is one that has enrolled before. No secret. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { BorealisError } from '../protocol/errors.ts';

/** machine-id(5) asks that the id itself be not shown; a hash bound to its purpose cannot be matched with another's. */
const DOMAIN = 'borealis machine fingerprint v1\0';

export interface FingerprintSource {
  /** Stands for the machine's own number: many agents on one machine, in tests. */
  readonly machineId?: string | undefined;
  /** Where etc and sys are found. */
  readonly root?: string;
}

/** 64 hexadecimal digits. Errors: UNSUPPORTED_PLATFORM where the machine has nothing that stays. */
export const machineFingerprint = ({ machineId, root = '/' }: FingerprintSource = {}): string => {
  const identity = machineId ?? etcMachineId(root) ?? productUuid(root) ?? firstHardwareAddress(root);
  if (!identity) {
    throw new BorealisError('UNSUPPORTED_PLATFORM', {
      detail: 'The machine has no /etc/machine-id, product UUID or network card to be known by.',
      next: 'Make one, as root: systemd-machine-id-setup',
    });
  }
  return createHash('sha256').update(DOMAIN).update(identity).digest('hex');
};

const readLine = (file: string): string | null => {
  try {
    return readFileSync(file, 'utf8').trim().toLowerCase() || null;
  } catch {
    return null; // missing, or root's alone: the next source answers
  }
};

const etcMachineId = (root: string): string | null => {
  const id = readLine(join(root, 'etc/machine-id')) ?? readLine(join(root, 'var/lib/dbus/machine-id'));
  // "uninitialized" stands there during the first boot.
  return id && /^[0-9a-f]{32}$/.test(id) ? `machine-id ${id}` : null;
};

const productUuid = (root: string): string | null => {
  const uuid = readLine(join(root, 'sys/class/dmi/id/product_uuid'));
  if (!uuid || !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid)) return null;
  // Boards that were never given one say all zeros or all ones.
  return new Set(uuid.replaceAll('-', '')).size > 1 ? `product-uuid ${uuid}` : null;
};

/** The network card first by name that is hardware: bridges, tunnels and pairs have no `device`. */
const firstHardwareAddress = (root: string): string | null => {
  const directory = join(root, 'sys/class/net');
  for (const name of listDirectory(directory)) {
    const address = readLine(join(directory, name, 'address'));
    const isMac =
      address && /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(address) && address !== '00:00:00:00:00:00';
    if (isMac && exists(join(directory, name, 'device'))) return `mac ${address}`;
  }
  return null;
};

const listDirectory = (path: string): string[] => {
  try {
    return readdirSync(path).sort();
  } catch {
    return []; // no sysfs
  }
};

const exists = (path: string): boolean => {
  try {
    realpathSync(path);
    return true;
  } catch {
    return false; // ENOENT is the answer "no"
  }
};
