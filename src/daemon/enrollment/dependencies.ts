import type { Logger } from 'pino';
import type { Config } from '../../config/settings.ts';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { AuditTrail } from '../audit/trail.ts';
import type { Channels } from '../channel/channels.ts';
import type { EventLog } from '../events/log.ts';
import type { SigningKey } from '../keys/key-ring.ts';
import type { Trust } from '../trust/trust.ts';
import type { Endpoint } from './public-address.ts';

export interface EnrollmentDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly events: EventLog;
  readonly audit: AuditTrail;
  readonly channels: Channels;
  readonly config: { readonly current: Config };
  readonly trust: Trust;
  /** Its public half goes to each agent that enrols. */
  readonly signingKey: SigningKey;
  /** Where the agents' listener is, once it is. */
  readonly listening: () => Endpoint;
  readonly log: Logger;
}
