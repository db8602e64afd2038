/**
 * The form that every capability of the engine has: a folder with its rules and queries, and a function that takes
 * what it needs and returns the handlers of its operations. main.ts wires them; the type checker sees that none is missing.
 */
import type { Readable } from 'node:stream';
import type {
  InputOf,
  OperationName,
  Operations,
  OutputOf,
  ParsedInputOf,
  RequestOf,
} from '../protocol/operations.ts';
import type { Role } from '../protocol/scalars.ts';
import type { Transaction } from '../store/store.ts';

/** Who calls, as the kernel says and the grants decide. */
export interface Caller {
  readonly pid: number;
  readonly uid: number;
  readonly user: string;
  readonly groups: readonly string[];
  /** In the whole engine; of no meaning where `limited`. */
  readonly role: Role;
  /** Roles in projects, besides. */
  readonly projects?: ReadonlyMap<string, Role>;
  /** It has no role in the whole engine, and reaches only operations of scope `project`. */
  readonly limited?: boolean;
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

/** What a handler of a `terminal` hears of its viewer, in the order in which it was sent. Must not throw. */
export interface TerminalEars<Request> {
  /** Bytes that were typed; at most TERMINAL_MESSAGE_MAX at once. */
  typed(bytes: Buffer): void;
  asked(request: Request): void;
  /** After `show` or `tell` said false: everything was handed to the kernel. */
  drained(): void;
  /** The grants changed; `viewer.caller` may have another role now. */
  rechecked(): void;
}

/** A viewer's end of a terminal. What is sent before `accept` or after the end goes nowhere. */
export interface TerminalSocket<Notice = unknown, Request = unknown> {
  /** Who it is, with the role that it has now; null once it may not even watch. */
  readonly caller: Caller | null;
  /** Opens the terminal. What the handler throws before is answered as a problem. False where the viewer has left. */
  accept(ears: TerminalEars<Request>): boolean;
  /** False where too much is unsent: send nothing more than must be until `drained`. */
  tell(notice: Notice): boolean;
  /** Bytes for the terminal. The same. */
  show(bytes: Uint8Array): boolean;
  /** Nothing that is typed or asked is read until `resume`. */
  pause(): void;
  resume(): void;
}

type TransportOf<N extends OperationName> = Operations[N]['transport'];

/** Lasts as long as the viewer is to stay; `call.signal` tells when it left. */
export type TerminalHandler<N extends OperationName> = (
  input: ParsedInputOf<N>,
  call: Call,
  viewer: TerminalSocket<OutputOf<N>, RequestOf<N>>,
) => Promise<void>;

export type Handler<N extends OperationName> =
  TransportOf<N> extends 'stream'
    ? (input: ParsedInputOf<N>, call: Call) => AsyncIterable<OutputOf<N>>
    : TransportOf<N> extends 'binary'
      ? (input: ParsedInputOf<N>, call: Call) => Promise<Readable>
      : TransportOf<N> extends 'upload'
        ? (input: ParsedInputOf<N>, call: UploadCall) => Promise<OutputOf<N>>
        : TransportOf<N> extends 'terminal'
          ? TerminalHandler<N>
          : (input: ParsedInputOf<N>, call: Call) => Promise<OutputOf<N>>;

export type Handlers<N extends OperationName> = { readonly [K in N]: Handler<K> };
export type { InputOf, OperationName, OutputOf, ParsedInputOf };
