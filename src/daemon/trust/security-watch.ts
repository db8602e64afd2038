/**
 * What smells of an attack: counted, logged and told to operators. An alert of one kind about one subject is recorded
 * once a minute at most, with the number of those in between: an attacker in a loop must not fill the disk.
 */
import type { Logger } from 'pino';
import type { ErrorCode } from '../../protocol/errors.ts';
import type { Event } from '../../protocol/event.ts';
import type { Store, Transaction } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { AuditTrail } from '../audit/trail.ts';
import type { EventLog } from '../events/log.ts';

const QUIET_MS = 60_000;
const SUBJECTS_KEPT = 4_096;
/** Refusals that an honest agent with a right clock never meets. */
const OF_SIGNATURES: ReadonlySet<ErrorCode> = new Set([
  'INVALID_SIGNATURE',
  'PROOF_INVALID',
  'REPLAY_DETECTED',
  'TOKEN_INVALID',
  'TOKEN_REUSED',
]);

export interface Alert {
  /** The stable code of the refusal. */
  readonly code: ErrorCode;
  /** Whom or what it is about: an address, or a device's GUID. */
  readonly subject: string;
  /** One sentence for people; no secrets. */
  readonly message: string;
  readonly device?: { readonly guid: string; readonly name: string } | null;
  readonly data?: Event['data'];
}

export interface SecurityWatchParts {
  readonly store: Store;
  readonly events: EventLog;
  readonly audit: AuditTrail;
  readonly clock: Clock;
  readonly log: Logger;
}

export class SecurityWatch {
  readonly #parts: SecurityWatchParts;
  readonly #told = new Map<string, { at: number; untold: number }>();
  #signatureFailures = 0;

  constructor(parts: SecurityWatchParts) {
    this.#parts = parts;
  }

  /** Signatures, tokens and proofs that did not verify since the start. */
  get signatureFailures(): number {
    return this.#signatureFailures;
  }

  /** Counts a refusal where it is one of signatures. */
  count(code: ErrorCode): boolean {
    const counts = OF_SIGNATURES.has(code);
    if (counts) this.#signatureFailures += 1;
    return counts;
  }

  /** Tells operators in a transaction of its own. Resolves to whether it was told: false when it is not yet time again. */
  async alert(alert: Alert): Promise<boolean> {
    const { code, subject } = alert;
    const kind = `${code} ${subject}`;
    const now = this.#parts.clock.monotonic();
    const told = this.#told.get(kind);
    if (told && now - told.at < QUIET_MS) {
      told.untold += 1;
      return false;
    }
    this.#parts.log.warn({ code, subject, ...(told?.untold && { repeated: told.untold }) }, alert.message);
    this.#told.delete(kind);
    this.#told.set(kind, { at: now, untold: 0 });
    if (this.#told.size > SUBJECTS_KEPT) this.#told.delete(this.#told.keys().next().value!);
    try {
      await this.#parts.store.write((tx) => this.alertIn(tx, alert, told?.untold ?? 0));
    } catch (error) {
      // The refusal itself stands; only its telling failed, which the log has.
      this.#parts.log.error({ err: error }, 'a security alert could not be recorded');
    }
    return true;
  }

  /** The same inside of a transaction that changes something because of it. */
  async alertIn(
    tx: Transaction,
    { code, subject, message, device, data }: Alert,
    repeated = 0,
  ): Promise<void> {
    const detail = { ...data, ...(repeated > 0 && { repeated }) };
    await this.#parts.audit.record(tx, {
      actor: device ? `device:${device.name}` : 'engine',
      action: 'security.alert',
      target: device?.name ?? subject,
      result: code,
      detail,
    });
    await this.#parts.events.record(tx, {
      type: 'security.alert',
      message,
      device: device ?? null,
      data: { ...detail, code },
    });
  }
}
