/**
 * POST /agent/v1/enroll/poll and …/complete: the agent asks for the decision, then proves that it holds the key, with a
 * signature over a single-use nonce and this very TLS connection, and is given what it needs to be a device.
 */
import { timingSafeEqual } from 'node:crypto';
import type { z } from 'zod';
import { decodeBase64url } from '../../crypto/base64url.ts';
import { nodeEd25519 } from '../../crypto/ed25519.ts';
import { channelBinding, enrolmentProofMessage } from '../../crypto/enrolment-proof.ts';
import { jwkThumbprint } from '../../crypto/keys.ts';
import {
  AGENT_PATHS,
  type Enrolled,
  type enrolComplete,
  type enrolPolled,
} from '../../protocol/enrolment.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { AgentRequest } from '../listener/route.ts';
import { admitDevice } from './admit-device.ts';
import type { EnrollmentDependencies } from './dependencies.ts';
import { Nonces } from './nonces.ts';
import { secretHash } from './request.ts';
import type { ApprovalRow } from './standing.ts';
import { WaitingPace } from './waiting-pace.ts';

type Polled = z.input<typeof enrolPolled>;
type Complete = z.output<typeof enrolComplete>;

export class Possession {
  readonly #deps: EnrollmentDependencies;
  readonly #nonces: Nonces;
  readonly #pace: WaitingPace;

  constructor(deps: EnrollmentDependencies) {
    this.#deps = deps;
    this.#nonces = new Nonces(deps.clock);
    this.#pace = new WaitingPace(deps.store, deps.clock);
  }

  /** Errors: APPROVAL_NOT_FOUND for an unknown request and a wrong secret alike. */
  async poll(body: { request_id: string; request_secret: string }): Promise<Polled> {
    const request = await this.#find(body);
    switch (this.#stateOf(request)) {
      case 'waiting':
        return { state: 'waiting', poll_after_ms: await this.#pace.pollAfterMs() };
      case 'denied':
        return { state: 'denied', reason: request.reason };
      case 'expired':
        return { state: 'expired' };
      // Completed: the answer may have been lost. The same key may complete once more, until the request expires.
      case 'approved':
      case 'completed':
        return { state: 'approved', nonce: this.#nonces.issue(request.id) };
    }
  }

  /**
   * Errors: APPROVAL_NOT_FOUND, ENROLMENT_DENIED, ENROLMENT_EXPIRED, REPLAY_DETECTED for a nonce that is not
   * outstanding, INVALID_SIGNATURE, APPROVAL_CONFLICT where the request went back to the operators.
   */
  async complete(body: Complete, { socket, address }: AgentRequest): Promise<Enrolled> {
    const { trust, signingKey } = this.#deps;
    const request = await this.#find(body);
    const state = this.#stateOf(request);
    if (state === 'denied') throw new BorealisError('ENROLMENT_DENIED');
    if (state === 'expired') throw new BorealisError('ENROLMENT_EXPIRED');
    if (!this.#nonces.take(request.id, body.nonce))
      throw this.#refused(request, address, 'REPLAY_DETECTED', 'Its nonce is used up, replaced or not ours.');
    const publicKey = decodeBase64url(request.public_key, 32)!;
    const message = enrolmentProofMessage({
      requestId: request.id,
      nonce: Buffer.from(body.nonce, 'base64url'),
      exporter: channelBinding(socket),
      publicKey,
    });
    if (!nodeEd25519.verify(Buffer.from(body.signature, 'base64url'), message, publicKey))
      throw this.#refused(
        request,
        address,
        'INVALID_SIGNATURE',
        'It is not of this key, nonce and connection.',
      );

    const certificate = await trust.certificates.issue(request.guid!, request.context, publicKey);
    const { device, tokens } = await this.#admit(request.id, certificate, jwkThumbprint(publicKey));
    return {
      guid: device.guid,
      name: device.name,
      context: request.context,
      certificate: certificate.certificatePem,
      authority: trust.authority.certificatePem,
      signing_key: Buffer.from(signingKey.publicKey).toString('base64url'),
      signing_key_id: signingKey.keyId,
      ...tokens,
    };
  }

  async #admit(id: string, certificate: Parameters<typeof admitDevice>[2], jkt: string) {
    const { store, clock, events, audit, trust } = this.#deps;
    const outcome = await store.write(async (tx) => {
      const now = clock.now();
      const request = await tx.db
        .selectFrom('approval')
        .selectAll()
        .where('id', '=', id)
        .executeTakeFirstOrThrow();
      // It was looked at before the certificate was made; it may have been decided otherwise since.
      const state = this.#stateOf(request);
      if (state !== 'approved' && state !== 'completed') return new BorealisError('ENROLMENT_EXPIRED');
      const device = await admitDevice(tx, request, certificate, now);
      const approval = tx.db.updateTable('approval').where('id', '=', id);
      if (device === 'withdrawn') {
        const reason = 'the device was revoked or removed meanwhile';
        await approval.set({ state: 'denied', reason }).execute();
        return new BorealisError('ENROLMENT_DENIED', { detail: `Because ${reason}.` });
      }
      if (device === 'reopened') {
        const open = { decided_at: null, decided_by: null, resolution: null, guid: null, name: null };
        await approval.set({ state: 'waiting', ...open }).execute();
        return new BorealisError('APPROVAL_CONFLICT', {
          detail: 'Another device enrolled meanwhile; an operator has to decide.',
          next: 'Keep polling.',
        });
      }
      await approval.set({ state: 'completed', name: device.name }).execute();
      const tokens = await trust.tokens.issue(tx, {
        guid: device.guid,
        context: request.context,
        tokenVersion: device.token_version,
        jkt,
      });
      const detail = { approval: id, context: request.context, resolution: request.resolution };
      await audit.record(tx, {
        actor: `device:${device.name}`,
        action: 'device.enrol',
        target: device.name,
        detail: { guid: device.guid, serial: certificate.serial, ...detail },
      });
      await events.record(tx, {
        type: 'device.enrolled',
        message: `${device.name} is enrolled (${request.context})`,
        device,
        data: detail,
      });
      return { device, tokens };
    });
    if (outcome instanceof BorealisError) throw outcome;
    return outcome;
  }

  async #find(body: { request_id: string; request_secret: string }): Promise<ApprovalRow> {
    const row = await this.#deps.store.read
      .selectFrom('approval')
      .selectAll()
      .where('id', '=', body.request_id)
      .executeTakeFirst();
    const given = Buffer.from(secretHash(body.request_secret));
    if (row && timingSafeEqual(Buffer.from(row.secret_hash), given)) return row;
    throw new BorealisError('APPROVAL_NOT_FOUND', { next: 'Enrol again: borealis-agent enroll LINK' });
  }

  #stateOf(request: ApprovalRow): ApprovalRow['state'] {
    const open = request.state !== 'denied' && request.state !== 'expired';
    return open && request.expires_at <= this.#deps.clock.now() ? 'expired' : request.state;
  }

  #refused(
    { id, hostname }: ApprovalRow,
    address: string,
    code: 'REPLAY_DETECTED' | 'INVALID_SIGNATURE',
    detail: string,
  ): BorealisError {
    const { watch } = this.#deps.trust;
    watch.count(code);
    void watch.alert({
      code,
      subject: id,
      message: `The enrolment of ${hostname} was refused: ${detail}`,
      data: { address, approval: id, path: AGENT_PATHS.complete },
    });
    return new BorealisError(code, { detail });
  }
}
