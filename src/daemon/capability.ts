/**
 * The form that every capability of the engine has: a folder with its rules and queries, and a function that takes
 * what it needs and returns the handlers of its operations. main.ts wires them; the type checker sees that none is missing.
 */
import type { Readable } from 'node:stream';
import type { InputOf, OperationName, Operations, OutputOf, ParsedInputOf } from '../protocol/operations.ts';
import type { Role } from '../protocol/scalars.ts';
import type { Transaction } from '../store/store.ts';

/** Who calls, as the kernel says and the grants decide. */
export interface Caller {
  readonly pid: number;
  readonly uid: number;
  readonly user: string;
  readonly groups: readonly string[];
  readonly role: Role;
}

export interface Call {
  readonly caller: Caller;
  /** Aborted when the caller hangs up or the engine stops. */
  readonly signal: AbortSignal;
  /**
   * Records this change in the audit chain, in the transaction that makes it. A handler of a changing operation calls
   * it; where it does not, the router writes a plain record afterwards. Refusals are recorded by the router.
   */
  audit(tx: Transaction, record: { target?: string; detail?: Record<string, unknown> }): Promise<void>;
}

export interface UploadCall extends Call {
  readonly body: Readable;
}

type TransportOf<N extends OperationName> = Operations[N]['transport'];

export type Handler<N extends OperationName> =
  TransportOf<N> extends 'stream'
    ? (input: ParsedInputOf<N>, call: Call) => AsyncIterable<OutputOf<N>>
    : TransportOf<N> extends 'binary'
      ? (input: ParsedInputOf<N>, call: Call) => Promise<Readable>
      : TransportOf<N> extends 'upload'
        ? (input: ParsedInputOf<N>, call: UploadCall) => Promise<OutputOf<N>>
        : (input: ParsedInputOf<N>, call: Call) => Promise<OutputOf<N>>;

export type Handlers<N extends OperationName> = { readonly [K in N]: Handler<K> };
export type { InputOf, OperationName, OutputOf, ParsedInputOf };
