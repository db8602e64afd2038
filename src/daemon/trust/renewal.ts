/**
 * Client certificates and their renewal. The key stays, so the old certificate proves as much as the new one: it is good
 * until the new one was seen in use or until it expires by itself, and an agent that loses the answer is not locked out.
 */
import { encodeBase64url } from '../../crypto/base64url.ts';
import { type Authority, type IssuedClientCertificate, issueClientCertificate } from '../../crypto/ca.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { AgentContext } from '../../protocol/scalars.ts';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { AuditTrail } from '../audit/trail.ts';
import { SlidingWindow } from '../enrollment/sliding-window.ts';
import type { AuthenticatedAgent } from './authenticator.ts';

/** Signing takes milliseconds; an agent needs one certificate in twenty days. */
const RENEWALS = { limit: 12, spanMs: 3_600_000 };

export interface CertificateParts {
  readonly authority: Authority;
  readonly store: Store;
  readonly clock: Clock;
  readonly audit: AuditTrail;
  /** Days that a certificate lasts, as configured now. */
  readonly days: () => number;
}

export class ClientCertificates {
  readonly #parts: CertificateParts;
  readonly #renewals: SlidingWindow;

  constructor(parts: CertificateParts) {
    this.#parts = parts;
    this.#renewals = new SlidingWindow(RENEWALS.spanMs, parts.clock);
  }

  /** `publicKey`: 32 bytes, of a key whose possession was proved. */
  issue(guid: string, context: AgentContext, publicKey: Uint8Array): Promise<IssuedClientCertificate> {
    const { authority, clock, days } = this.#parts;
    return issueClientCertificate(authority, {
      guid,
      context,
      publicKey,
      now: new Date(clock.now()),
      days: days(),
    });
  }

  /** PEM. Errors: RATE_LIMITED, CERTIFICATE_REQUIRED where the key was replaced meanwhile. */
  async renew(agent: AuthenticatedAgent): Promise<string> {
    const { store, audit } = this.#parts;
    const { guid, context, publicKey, certificateSerial: presented } = agent;
    if (!this.#renewals.admit(`${guid} ${context}`, RENEWALS.limit)) throw new BorealisError('RATE_LIMITED');
    const issued = await this.issue(guid, context, publicKey);
    await store.write(async (tx) => {
      const changed = await tx.db
        .updateTable('device_context')
        .set({
          certificate_serial: issued.serial,
          previous_serial: presented,
          certificate_not_before: issued.notBefore.getTime(),
          certificate_not_after: issued.notAfter.getTime(),
        })
        .where('guid', '=', guid)
        .where('context', '=', context)
        .where('public_key', '=', encodeBase64url(publicKey))
        .executeTakeFirst();
      if (changed.numUpdatedRows === 0n) throw new BorealisError('CERTIFICATE_REQUIRED');
      await audit.record(tx, {
        actor: `device:${agent.deviceName}`,
        action: 'certificate.renew',
        target: agent.deviceName,
        detail: { context, serial: issued.serial, until: issued.notAfter.toISOString() },
      });
    });
    return issued.certificatePem;
  }
}
