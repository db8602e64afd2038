/** What the doors of the local API stand on. */
import type { Logger } from 'pino';
import type { OperationName } from '../../protocol/operations.ts';
import type { Store } from '../../store/store.ts';
import type { AuditTrail } from '../audit/trail.ts';
import type { Call, Handlers, TerminalSocket } from '../capability.ts';
import type { Gate } from './gate.ts';

/** Handlers by name, their types erased: input was parsed by the operation's own schema. */
export type AnyHandler = (input: unknown, call: Call, viewer?: TerminalSocket) => unknown;

export interface ApiOptions {
  readonly handlers: Partial<Handlers<OperationName>>;
  readonly gate: Gate;
  readonly store: Store;
  readonly trail: AuditTrail;
  readonly log: Logger;
  /** Tests hold every answer against its schema; in production the types vouch for it. */
  readonly checkOutput?: boolean;
  /** Between two pings of a watcher; who answers none of them is cut off. */
  readonly pingMs?: number;
}
