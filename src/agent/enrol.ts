/**
 * Enrolment (DESIGN §4): pin, request, wait for approval, proof of possession. A request that waits is on disk, so it
 * outlives restarts of engine and agent; the commit point is the membership file, written last.
 */
import { hash, randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { SecureContext } from 'node:tls';
import { z } from 'zod';
import { parseClientCertificate } from '../crypto/client-certificate.ts';
import { nobleEd25519 } from '../crypto/ed25519.ts';
import { channelBinding, enrolmentProofMessage } from '../crypto/enrolment-proof.ts';
import { keyFingerprint } from '../crypto/keys.ts';
import type { EnrolmentLink } from '../crypto/secret-code.ts';
import { samePin, spkiPin } from '../crypto/spki.ts';
import {
  AGENT_PATHS,
  type Enrolled,
  type EnrolRequest,
  enrolled,
  enrolPolled,
  enrolRequested,
} from '../protocol/enrolment.ts';
import { BorealisError, type ErrorCode } from '../protocol/errors.ts';
import { bytes32 } from '../protocol/scalars.ts';
import type { Clock } from '../sys/clock.ts';
import { writeFileDurably } from '../sys/files.ts';
import { Backoff } from './backoff.ts';
import type { Membership } from './credentials.ts';
import { postJson } from './http.ts';
import {
  ensureIdentity,
  type Identity,
  loadMembership,
  readJson,
  saveMembership,
  saveTokens,
} from './identity.ts';
import type { MachineFacts } from './machine.ts';
import { tokenPair } from './renewal.ts';
import type { ContextPaths } from './state.ts';
import { dialEngine, engineContext, fetchAuthority, secured } from './tls.ts';

const RETRY = { baseMs: 500, capMs: 10_000 };
/** Only the network or the engine's haste stands in the way: worth another attempt while a request waits. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  'ENGINE_UNREACHABLE',
  'ENGINE_STARTING',
  'TIMED_OUT',
  'RATE_LIMITED',
]);

export type Progress =
  | { readonly step: 'pinned'; readonly host: string; readonly port: number }
  | {
      readonly step: 'requested';
      readonly keyFingerprint: string;
      readonly expiresAt: string;
      readonly resumed: boolean;
    }
  | { readonly step: 'unreachable'; readonly error: BorealisError }
  | { readonly step: 'approved' }
  | { readonly step: 'enrolled'; readonly membership: Membership };

export interface EnrolOptions {
  readonly link: EnrolmentLink;
  readonly paths: ContextPaths;
  /** `machineFingerprint()`. */
  readonly fingerprint: string;
  readonly machine: MachineFacts;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
  /** Resolves after so many milliseconds; rejects when the signal is aborted. */
  readonly sleep: (ms: number) => Promise<void>;
}

const pendingFile = z.strictObject({
  version: z.literal(1),
  /** SHA-256 of the link: another link is another request. */
  link: z.string(),
  request_id: z.string(),
  request_secret: bytes32,
  expires_at: z.string(),
});
type Pending = z.infer<typeof pendingFile>;

/**
 * Errors: ALREADY_ENROLLED, PIN_MISMATCH, CLOCK_SKEW, ENGINE_UNREACHABLE, CODE_…, RATE_LIMITED, ENROLMENT_DENIED,
 * ENROLMENT_EXPIRED, STATE_UNSAFE, CANCELLED.
 */
export async function enrol(options: EnrolOptions): Promise<Membership> {
  const { link, paths, onProgress, signal } = options;
  const present = await loadMembership(paths);
  if (present)
    throw new BorealisError('ALREADY_ENROLLED', {
      detail: `It is ${present.name} (${present.guid}), context ${present.context}.`,
      next: `Remove it first: borealis-agent unenroll --context ${paths.context}`,
    });
  const identity = await ensureIdentity(paths);
  const authority = await fetchAuthority(link, link.pin, signal);
  onProgress({ step: 'pinned', host: link.host, port: link.port });
  return new Enrolment(options, identity, authority).run();
}

class Enrolment {
  readonly #options: EnrolOptions;
  readonly #identity: Identity;
  readonly #authority: string;
  readonly #tls: SecureContext;
  readonly #linkHash: string;

  constructor(options: EnrolOptions, identity: Identity, authority: string) {
    this.#options = options;
    this.#identity = identity;
    this.#authority = authority;
    this.#tls = engineContext({ authority });
    const { host, port, code, pin } = options.link;
    this.#linkHash = hash('sha256', JSON.stringify([host, port, code, pin]), 'base64url');
  }

  async run(): Promise<Membership> {
    const { paths, onProgress } = this.#options;
    const { pending, pollAfterMs, resumed } = await this.#pending();
    onProgress({
      step: 'requested',
      keyFingerprint: keyFingerprint(this.#identity.publicKey),
      expiresAt: pending.expires_at,
      resumed,
    });
    try {
      return await this.#waitAndComplete(pending, pollAfterMs);
    } catch (error) {
      // Denied, expired or gone: the next call begins anew. Whatever may pass leaves the request in place.
      if (error instanceof BorealisError && FINAL.has(error.code)) await rm(paths.enrolment, { force: true });
      throw error;
    }
  }

  /** The request that waits since an earlier call with the same link, or a new one. */
  async #pending(): Promise<{ pending: Pending; pollAfterMs: number; resumed: boolean }> {
    const { paths, clock } = this.#options;
    const stored = await readJson(paths.enrolment, pendingFile);
    if (stored?.link === this.#linkHash && Date.parse(stored.expires_at) > clock.now())
      return { pending: stored, pollAfterMs: 0, resumed: true };
    const answer = await this.#request();
    const pending: Pending = {
      version: 1,
      link: this.#linkHash,
      request_id: answer.request_id,
      request_secret: answer.request_secret,
      expires_at: answer.expires_at,
    };
    await writeFileDurably(paths.enrolment, `${JSON.stringify(pending)}\n`, { mode: 0o600 });
    return { pending, pollAfterMs: answer.poll_after_ms, resumed: false };
  }

  async #request(): Promise<z.infer<typeof enrolRequested>> {
    const { link, paths, fingerprint, machine } = this.#options;
    const body: EnrolRequest = {
      code: link.code,
      public_key: Buffer.from(this.#identity.publicKey).toString('base64url'),
      context: paths.context,
      fingerprint,
      ...machine,
      nonce: randomBytes(32).toString('base64url'),
    };
    const answer = await postJson(await this.#connect(), {
      path: AGENT_PATHS.request,
      body,
      answer: enrolRequested,
      signal: this.#options.signal,
    });
    // The operator must see the key that is here, not another one.
    if (answer.key_fingerprint !== keyFingerprint(this.#identity.publicKey))
      throw new BorealisError('SCHEMA_MISMATCH', {
        detail: 'The engine names another key than the one it was sent.',
      });
    return answer;
  }

  async #waitAndComplete(pending: Pending, firstPollMs: number): Promise<Membership> {
    const { sleep, onProgress } = this.#options;
    const backoff = new Backoff(RETRY);
    let delay = firstPollMs;
    for (;;) {
      await sleep(delay);
      try {
        const polled = await this.#poll(pending);
        backoff.reset();
        if (polled.state === 'denied')
          throw new BorealisError(
            'ENROLMENT_DENIED',
            polled.reason ? { detail: `The reason: ${polled.reason}.` } : {},
          );
        if (polled.state === 'expired') throw new BorealisError('ENROLMENT_EXPIRED');
        if (polled.state === 'approved') {
          onProgress({ step: 'approved' });
          return await this.#complete(pending, polled.nonce);
        }
        delay = polled.poll_after_ms;
      } catch (error) {
        if (!(error instanceof BorealisError) || !PASSING.has(error.code)) throw error;
        onProgress({ step: 'unreachable', error });
        delay = 500 + backoff.next();
      }
    }
  }

  async #poll({ request_id, request_secret }: Pending): Promise<z.infer<typeof enrolPolled>> {
    const body = { request_id, request_secret };
    return postJson(await this.#connect(), {
      path: AGENT_PATHS.poll,
      body,
      answer: enrolPolled,
      signal: this.#options.signal,
    });
  }

  /** Signs the nonce together with the exporter of the very connection that carries the signature (RFC 9266). */
  async #complete({ request_id, request_secret }: Pending, nonce: string): Promise<Membership> {
    const { paths, clock, onProgress } = this.#options;
    const { seed, publicKey } = this.#identity;
    const socket = await this.#connect();
    const message = enrolmentProofMessage({
      requestId: request_id,
      nonce: Buffer.from(nonce, 'base64url'),
      exporter: channelBinding(socket),
      publicKey,
    });
    const signature = Buffer.from(nobleEd25519.sign(message, seed)).toString('base64url');
    const answer = await postJson(socket, {
      path: AGENT_PATHS.complete,
      body: { request_id, request_secret, nonce, signature },
      answer: enrolled,
      signal: this.#options.signal,
    });
    const membership = this.#membership(answer);
    await saveTokens(paths, tokenPair(answer, clock));
    await saveMembership(paths, membership);
    await rm(paths.enrolment, { force: true });
    onProgress({ step: 'enrolled', membership });
    return membership;
  }

  /** What the engine handed out, once it is what was asked for. */
  #membership(answer: Enrolled): Membership {
    const { link, paths } = this.#options;
    const wrong = (what: string) =>
      new BorealisError('SCHEMA_MISMATCH', { detail: `The engine issued ${what}.` });
    if (!samePin(spkiPin(answer.authority), link.pin)) throw new BorealisError('PIN_MISMATCH');
    const certificate = parseClientCertificate(answer.certificate);
    if (!Buffer.from(certificate.publicKey).equals(this.#identity.publicKey))
      throw wrong('a certificate for another key');
    if (
      certificate.guid !== answer.guid ||
      certificate.context !== paths.context ||
      answer.context !== paths.context
    )
      throw wrong('a certificate for another device or context');
    return {
      guid: answer.guid,
      name: answer.name,
      context: answer.context,
      address: { host: link.host, port: link.port },
      pin: link.pin,
      authority: this.#authority,
      certificate: answer.certificate,
      signingKey: Buffer.from(answer.signing_key, 'base64url'),
      signingKeyId: answer.signing_key_id,
    };
  }

  async #connect() {
    return secured(dialEngine(this.#options.link, this.#tls), this.#options.signal);
  }
}

const FINAL: ReadonlySet<ErrorCode> = new Set([
  'ENROLMENT_DENIED',
  'ENROLMENT_EXPIRED',
  'APPROVAL_NOT_FOUND',
]);
