/** Who the agent is to the engine: its key, its certificate, its tokens, and the keys that it trusts. */
import { createSecureContext, type SecureContext } from 'node:tls';
import { type ClientCertificate, parseClientCertificate } from '../crypto/client-certificate.ts';
import { createDpopProof } from '../crypto/dpop.ts';
import { type Ed25519, nobleEd25519 } from '../crypto/ed25519.ts';
import { seedToPem } from '../crypto/keys.ts';
import { proofUrl } from '../protocol/enrolment.ts';
import type { AgentContext } from '../protocol/scalars.ts';
import type { Clock } from '../sys/clock.ts';
import { type EngineAddress, engineContext } from './tls.ts';

/** What an enrolment gave; only the certificate changes afterwards. */
export interface Membership {
  readonly guid: string;
  readonly name: string;
  readonly context: AgentContext;
  readonly address: EngineAddress;
  /** SPKI pin of the authority. */
  readonly pin: string;
  /** PEM. */
  readonly authority: string;
  readonly certificate: string;
  /** Ed25519, 32 bytes: the engine's signing key, and its id. */
  readonly signingKey: Uint8Array;
  readonly signingKeyId: string;
}

export interface TokenPair {
  readonly accessToken: string;
  /** Milliseconds since 1970, by the device's clock. */
  readonly accessExpiresAt: number;
  readonly refreshToken: string;
  readonly refreshExpiresAt: number;
  /**
   * True from before the refresh token is shown until its successor is on disk. Found true at the start, the successor
   * may be lost: the token is then presented again at once, while the engine still takes it.
   */
  readonly refreshing: boolean;
}

/** Where changes of the credentials go, durably, before they are used. */
export interface CredentialStore {
  saveTokens(tokens: TokenPair): Promise<void>;
  saveCertificate(certificate: string): Promise<void>;
}

export interface CredentialParts {
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly membership: Membership;
  readonly tokens: TokenPair;
}

/** One identity in use: the TLS context and session that its connections share, and its proofs. */
export class Credentials {
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly ed: Ed25519;
  readonly #clock: Clock;
  readonly #store: CredentialStore;
  #membership: Membership;
  #tokens: TokenPair;
  #context: SecureContext | undefined;
  #certificate: ClientCertificate | undefined;
  /** Newest TLS session ticket: a resumed handshake costs the engine a fifth of a full one. */
  session: Buffer | undefined;

  constructor(parts: CredentialParts, store: CredentialStore, clock: Clock, ed: Ed25519 = nobleEd25519) {
    this.seed = parts.seed;
    this.publicKey = parts.publicKey;
    this.#membership = parts.membership;
    this.#tokens = parts.tokens;
    this.#store = store;
    this.#clock = clock;
    this.ed = ed;
  }

  get membership(): Membership {
    return this.#membership;
  }

  get tokens(): TokenPair {
    return this.#tokens;
  }

  /** Made when first needed, kept until the certificate changes. */
  get tlsContext(): SecureContext {
    const { authority, certificate } = this.#membership;
    this.#context ??= engineContext({ authority, certificate, key: seedToPem(this.seed) });
    return this.#context;
  }

  /** What the certificate says; read once. */
  get certificate(): ClientCertificate {
    this.#certificate ??= parseClientCertificate(this.#membership.certificate);
    return this.#certificate;
  }

  async replaceTokens(tokens: TokenPair): Promise<void> {
    await this.#store.saveTokens(tokens);
    this.#tokens = tokens;
  }

  async replaceCertificate(certificate: string): Promise<void> {
    // Refused here rather than at the next connection: a certificate of another key would lock the agent out.
    createSecureContext({ key: seedToPem(this.seed), cert: certificate });
    await this.#store.saveCertificate(certificate);
    this.#membership = { ...this.#membership, certificate };
    this.#context = undefined;
    this.#certificate = undefined;
    this.session = undefined;
  }

  /** Headers that prove this agent for one request (RFC 9449 §7.1). */
  headers(method: 'GET' | 'POST', path: string, withToken: boolean): Record<string, string> {
    const { accessToken } = this.#tokens;
    const proof = createDpopProof(
      {
        seed: this.seed,
        publicKey: this.publicKey,
        method,
        url: proofUrl(path),
        now: new Date(this.#clock.now()),
        ...(withToken ? { accessToken } : {}),
      },
      this.ed,
    );
    return withToken ? { Authorization: `DPoP ${accessToken}`, DPoP: proof } : { DPoP: proof };
  }
}
