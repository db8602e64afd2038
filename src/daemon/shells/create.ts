/** Shells and their recordings as one capability: what they need goes in, their operations come out. */
import type { Logger } from 'pino';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { Handlers } from '../capability.ts';
import type { EventLog } from '../events/log.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { sessionOperations } from '../recordings/operations.ts';
import type { Recordings } from '../recordings/recordings.ts';
import type { Tunnels } from '../tunnels/tunnels.ts';
import { shellOperations } from './operations.ts';
import { portTokens } from './port-token.ts';
import { Shells, type ShellsParts } from './shells.ts';

export interface CreateShellsParts extends Pick<ShellsParts, 'port' | 'backoff'> {
  readonly store: Store;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly keys: Pick<KeyRing, 'signingKey'>;
  readonly tunnels: Tunnels;
  readonly recordings: Recordings;
  readonly recordShells: () => boolean;
  readonly log: Logger;
}

type Names =
  | 'shell.create'
  | 'shell.attach'
  | 'shell.list'
  | 'shell.kill'
  | 'session.list'
  | 'session.show'
  | 'session.read'
  | 'session.search';

export interface ShellCapability {
  readonly operations: Handlers<Names>;
  /** Takes up the shells that an earlier engine left. Errors: STATE_UNSAFE. */
  start(): Promise<void>;
  close(): Promise<void>;
}

export const createShells = (parts: CreateShellsParts): ShellCapability => {
  const { store, clock, log, keys, recordings } = parts;
  const shells = new Shells({ ...parts, tokens: portTokens(keys, clock) });
  return {
    operations: {
      ...shellOperations({ shells, store, clock, log }),
      ...sessionOperations({
        store,
        recordings,
        log,
        live: (id) => shells.live(id),
        flush: (id) => shells.flush(id),
      }),
    },
    start: () => shells.start(),
    close: () => shells.close(),
  };
};
