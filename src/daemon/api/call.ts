/** One call of an operation, as its handler sees it. */
import type { OperationName } from '../../protocol/operations.ts';
import type { Transaction } from '../../store/store.ts';
import type { AuditTrail } from '../audit/trail.ts';
import type { Call, Caller } from '../capability.ts';

export class RequestCall implements Call {
  readonly caller: Caller;
  readonly operation: OperationName;
  /** True once the handler recorded the change itself. */
  audited = false;
  readonly #trail: AuditTrail;
  /** Made when first asked for: most calls are over before anybody could hang up. */
  readonly #makeSignal: () => AbortSignal;
  #signal: AbortSignal | undefined;

  constructor(caller: Caller, operation: OperationName, trail: AuditTrail, makeSignal: () => AbortSignal) {
    this.caller = caller;
    this.operation = operation;
    this.#trail = trail;
    this.#makeSignal = makeSignal;
  }

  get signal(): AbortSignal {
    this.#signal ??= this.#makeSignal();
    return this.#signal;
  }

  async audit(tx: Transaction, record: { target?: string; detail?: Record<string, unknown> }): Promise<void> {
    await this.#trail.record(tx, { ...record, actor: this.caller.user, action: this.operation });
    this.audited = true;
  }
}
