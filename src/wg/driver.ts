/** The two ways in which Linux has WireGuard, behind one interface. */
import type { Link } from './ip.ts';
import type { DeviceChange } from './plan.ts';
import type { DriverName, ObservedDevice } from './types.ts';

/** A link of the name, and what stands behind it. */
export type Found =
  | { readonly state: 'absent' | 'broken' }
  | { readonly state: 'foreign'; readonly why: string }
  | { readonly state: 'present'; readonly device: ObservedDevice };

export interface Driver {
  readonly name: DriverName;
  /** `link` is null where there is none of the name. */
  find(interfaceName: string, link: Link | null): Promise<Found>;
  /** Makes the link, marked as ours from its first moment. False where this machine does not have this driver. */
  create(interfaceName: string): Promise<boolean>;
  /** Errors: PORT_TAKEN, NET_ADMIN_REQUIRED, COMMAND_FAILED. */
  configure(interfaceName: string, change: DeviceChange): Promise<void>;
  /** Resolves when link and process are gone. Harmless where they are gone already. */
  remove(interfaceName: string): Promise<void>;
}
