/**
 * Records refusals at the local socket. The first of its kind is recorded at once; while the same caller repeats it,
 * only its number is kept, and told with the next record: a stranger in a loop must not fill the disk.
 */
import type { ErrorCode } from '../../protocol/errors.ts';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { AuditTrail } from './trail.ts';

const QUIET_MS = 60_000;
const KINDS_KEPT = 1_000;

export interface Refusal {
  /** The Unix user, or `unknown` where the kernel did not say. */
  readonly actor: string;
  readonly uid: number | null;
  /** The operation's name, or method and path where there is none. */
  readonly action: string;
  readonly code: ErrorCode;
}

export class Refusals {
  readonly #store: Store;
  readonly #trail: AuditTrail;
  readonly #clock: Clock;
  readonly #seen = new Map<string, { at: number; unrecorded: number }>();

  constructor(store: Store, trail: AuditTrail, clock: Clock) {
    this.#store = store;
    this.#trail = trail;
    this.#clock = clock;
  }

  /** Errors: those of Store.write. */
  async record(refusal: Refusal): Promise<void> {
    // Of what is no operation the path is the caller's to make up: each method is one kind.
    const kind = `${refusal.code} ${refusal.uid} ${refusal.action.split(' ', 1)[0]}`;
    const now = this.#clock.monotonic();
    const seen = this.#seen.get(kind);
    if (seen && now - seen.at < QUIET_MS) {
      seen.unrecorded += 1;
      return;
    }
    this.#seen.delete(kind);
    this.#seen.set(kind, { at: now, unrecorded: 0 });
    if (this.#seen.size > KINDS_KEPT) this.#seen.delete(this.#seen.keys().next().value!);
    const repeated = seen?.unrecorded ?? 0;
    await this.#store.write((tx) =>
      this.#trail.record(tx, {
        actor: refusal.actor,
        action: refusal.action,
        result: refusal.code,
        detail: { uid: refusal.uid, ...(repeated > 0 && { repeated }) },
      }),
    );
  }
}
