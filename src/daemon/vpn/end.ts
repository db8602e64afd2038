/** Where a service runs: on this host (service-end.ts), or on devices (device-end.ts). */
import type { Logger } from 'pino';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { Forwarding } from '../../wg/forwarding.ts';
import type { EventLog } from '../events/log.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { ConnectionRow, ServiceRow } from './rows.ts';
import type { Traffic } from './traffic.ts';

export interface EndParts {
  readonly store: Store;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly keys: Pick<KeyRing, 'get' | 'unseal' | 'signingKey' | 'derive'>;
  readonly forwarding: Forwarding;
  readonly log: Logger;
}

export interface VpnEnd {
  readonly row: ServiceRow;
  /** Name of the device; `engine`: this host. */
  readonly node: string;
  /** Why it is not as it should be. */
  readonly failure: Error | null;
  /** Why it may not be so yet, through nobody's fault. */
  readonly waiting: string | null;
  /** Whether another `apply` could mend a failure, or is to see that what was changed alone is so. */
  readonly retries: boolean;
  /** When the next connection expires; null: none does. */
  readonly nextExpiry: number | null;
  trafficOf(row: ConnectionRow): Traffic;
  /**
   * Makes it so as the store has it when its turn has come; resolves when that is in force, or cannot be told now and will
   * be later. `only`: the connections that may be others than before, by id; all of them unless told. Errors: those of wg/apply.ts, FORWARDING_OFF, KEYS_UNOPENED, whatever a device says.
   */
  apply(only?: readonly string[]): Promise<void>;
  /** Looks what WireGuard has counted since, and tells who came and who went. */
  look(): Promise<void>;
  /** What has been counted, to the disk. */
  store(): Promise<void>;
  /** The engine ends: here it goes, on devices it goes on. */
  close(): Promise<void>;
  /** The service is no more, or is elsewhere from now on. */
  remove(): Promise<void>;
}
