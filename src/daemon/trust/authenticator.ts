/**
 * Who is at the other end of an agent's connection. Nothing is cached: one indexed read tells the state of the device,
 * and so quarantine, revocation and replaced keys count from the moment that they are on disk.
 */
import type { Nullable } from 'kysely';
import type { Logger } from 'pino';
import { encodeBase64url } from '../../crypto/base64url.ts';
import type { ClientCertificate } from '../../crypto/ca.ts';
import { ProofTimeError, ReplayWindow, verifyDpopProof } from '../../crypto/dpop.ts';
import { jwkThumbprint } from '../../crypto/keys.ts';
import { type AccessClaims, verifyAccessToken } from '../../crypto/token.ts';
import { proofUrl } from '../../protocol/enrolment.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { AgentContext } from '../../protocol/scalars.ts';
import { boundText, CompiledSelect } from '../../store/compiled.ts';
import type { DeviceContextTable, DeviceTable } from '../../store/schema.ts';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { ConnectedAgent } from '../channel/accept.ts';
import type { AgentRequest } from '../listener/route.ts';
import { clientCertificate } from './certificate.ts';
import type { SecurityWatch } from './security-watch.ts';

/** An agent whose certificate and key are those on record, of a device in good standing. */
export interface KnownAgent extends ConnectedAgent {
  /** RFC 7638 thumbprint of its key. */
  readonly jkt: string;
  readonly tokenVersion: number;
  readonly certificateSerial: string;
}

/** A known agent that also brought an access token in force and a proof for this request. */
export interface AuthenticatedAgent extends KnownAgent {
  /** Milliseconds since 1970. */
  readonly tokenExpiresAt: number;
}

export interface AuthenticatorParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly watch: SecurityWatch;
  readonly log: Logger;
  /** Public half of the engine's signing key, 32 bytes. */
  readonly engineKey: Uint8Array;
}

export class Authenticator {
  readonly #parts: AuthenticatorParts;
  /**
   * Kept in memory only. After a restart a proof of the last minute would count again, but only from whoever holds the
   * very key that made it: each request also needs TLS with that key's certificate.
   */
  readonly #replay = new ReplayWindow();

  constructor(parts: AuthenticatorParts) {
    this.#parts = parts;
  }

  /**
   * Mutual TLS, DPoP-bound access token and proof: for the channel and for renewals.
   * Throws BorealisError CERTIFICATE_REQUIRED, CLOCK_SKEW, DEVICE_REVOKED, DEVICE_QUARANTINED, TOKEN_INVALID,
   * EXPIRED_TOKEN, PROOF_INVALID, REPLAY_DETECTED, RATE_LIMITED.
   */
  async authenticateAgent(request: AgentRequest): Promise<AuthenticatedAgent> {
    const agent = await this.#known(request);
    return this.#watched(request, agent, async () => {
      const accessToken = bearerOf(request.headers.authorization);
      // Side by side; what is wrong with the token is told before what is wrong with the proof.
      const proved = this.#prove(request, agent, accessToken);
      proved.catch(() => undefined);
      const claims = await this.#claimsFor(agent, accessToken);
      await proved;
      return { ...agent, tokenExpiresAt: claims.exp * 1000 };
    });
  }

  /** Mutual TLS and proof without access token: for the exchange of a refresh token. The same errors. */
  async authenticateKey(request: AgentRequest): Promise<KnownAgent> {
    const agent = await this.#known(request);
    return this.#watched(request, agent, async () => {
      await this.#prove(request, agent, undefined);
      return agent;
    });
  }

  async #known(request: AgentRequest): Promise<KnownAgent> {
    const { store, clock, log } = this.#parts;
    let certificate: ClientCertificate;
    try {
      certificate = clientCertificate(request.socket, clock.now());
    } catch (error) {
      log.info({ err: error, address: request.address, path: request.path }, 'certificate refused');
      throw error;
    }
    const { guid, context, serial, publicKey } = certificate;
    const [row] = await onRecord.all(store.read, [context, guid]);
    if (!row) throw new BorealisError('DEVICE_REVOKED', { detail: 'It was removed.' });
    if (row.state === 'revoked') throw new BorealisError('DEVICE_REVOKED');
    // Its keys were replaced (merge), or its certificate by a newer one that was seen in use.
    if (row.public_key !== encodeBase64url(publicKey)) throw replaced('the key');
    if (row.certificate_serial !== serial) {
      if (row.previous_serial !== serial) throw replaced('the certificate');
    } else if (row.previous_serial !== null) this.#forgetPrevious(guid, context, serial);
    if (row.state === 'quarantined') throw new BorealisError('DEVICE_QUARANTINED');
    return {
      guid,
      context,
      deviceName: row.name,
      publicKey,
      certificateExpiresAt: certificate.notAfter.getTime(),
      jkt: jwkThumbprint(publicKey),
      tokenVersion: row.token_version,
      certificateSerial: serial,
    };
  }

  /** The new certificate was seen, so the old one ends. The answer need not wait for that. */
  #forgetPrevious(guid: string, context: AgentContext, serial: string): void {
    const { store, log } = this.#parts;
    store
      .write(async (tx) => {
        await tx.db
          .updateTable('device_context')
          .set({ previous_serial: null })
          .where('guid', '=', guid)
          .where('context', '=', context)
          .where('certificate_serial', '=', serial)
          .execute();
      })
      .catch((error: unknown) => log.error({ err: error, guid }, 'an old certificate could not be ended'));
  }

  async #claimsFor(agent: KnownAgent, accessToken: string): Promise<AccessClaims> {
    const { clock, engineKey } = this.#parts;
    const claims = await verifyAccessToken(accessToken, { publicKey: engineKey, now: new Date(clock.now()) });
    if (claims.sub !== agent.guid || claims.ctx !== agent.context || claims.cnf.jkt !== agent.jkt)
      throw new BorealisError('TOKEN_INVALID', { detail: 'It was issued to another agent.' });
    if (claims.tv !== agent.tokenVersion)
      throw new BorealisError('EXPIRED_TOKEN', { detail: 'It was withdrawn.' });
    return claims;
  }

  async #prove(request: AgentRequest, agent: KnownAgent, accessToken: string | undefined): Promise<void> {
    const proof = request.headers.dpop;
    if (typeof proof !== 'string') throw new BorealisError('PROOF_INVALID', { detail: 'It is missing.' });
    await verifyDpopProof(proof, {
      method: request.method,
      url: proofUrl(request.path),
      accessToken,
      expectedJkt: agent.jkt,
      now: new Date(this.#parts.clock.now()),
      replay: this.#replay,
    });
  }

  /** Signature failures are counted, logged and told to operators. */
  async #watched<T>(
    request: AgentRequest,
    { guid, deviceName: name }: KnownAgent,
    check: () => Promise<T>,
  ): Promise<T> {
    try {
      return await check();
    } catch (error) {
      if (error instanceof BorealisError && this.#parts.watch.count(error.code)) {
        const told = this.#parts.watch.alert({
          code: error.code,
          subject: guid,
          message: `${name} was refused: ${error.message}`,
          device: { guid, name },
          data: { address: request.address, path: request.path },
        });
        if (error instanceof ProofTimeError) void this.#clockIsOff(guid, error.aheadMs, told);
      }
      throw error;
    }
  }

  /** It does not come as far as HELLO, which says what time it is there; as often as operators are told, for the doctor. */
  async #clockIsOff(guid: string, clock_offset_ms: number, told: Promise<boolean>): Promise<void> {
    const { store, log } = this.#parts;
    try {
      if (!(await told)) return;
      await store.write(({ db }) =>
        db.updateTable('device').set({ clock_offset_ms }).where('guid', '=', guid).execute(),
      );
    } catch (error) {
      log.error({ err: error, guid }, 'by how much a clock is off could not be kept');
    }
  }
}

const onRecord = new CompiledSelect<
  Pick<DeviceTable, 'name' | 'state' | 'token_version'> &
    Nullable<Pick<DeviceContextTable, 'public_key' | 'certificate_serial' | 'previous_serial'>>,
  [context: AgentContext, guid: string]
>((db) =>
  db
    .selectFrom('device')
    .leftJoin('device_context', (join) =>
      join
        .onRef('device_context.guid', '=', 'device.guid')
        .on('device_context.context', '=', boundText<AgentContext>('system')),
    )
    .select(['device.name', 'device.state', 'device.token_version'])
    .select(['public_key', 'certificate_serial', 'previous_serial'])
    .where('device.guid', '=', boundText('')),
);

/** `Authorization: DPoP TOKEN` (RFC 9449 §7.1). */
const bearerOf = (header: string | undefined): string => {
  const token = /^DPoP ([A-Za-z0-9._-]{1,2048})$/i.exec(header ?? '')?.[1];
  if (!token) throw new BorealisError('TOKEN_INVALID', { detail: 'No access token was presented.' });
  return token;
};

const replaced = (what: string): BorealisError =>
  new BorealisError('CERTIFICATE_REQUIRED', { detail: `For this device ${what} was replaced.` });
