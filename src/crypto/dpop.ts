/**
 * DPoP proofs (RFC 9449): the agent signs method and URL of each request with its own key, so that a stolen token is
 * worth nothing. Stricter than the RFC: only EdDSA with Ed25519, exactly the members it names, 60 seconds either way.
 */
import { hash, randomUUID, timingSafeEqual } from 'node:crypto';
import { BorealisError } from '../protocol/errors.ts';
import { type Ed25519, nobleEd25519, nodeVerifyLater, type VerifyLater } from './ed25519.ts';
import { parseExactObject } from './exact-json.ts';
import { sealCompact, splitCompact } from './jws.ts';
import { jwkThumbprint, jwkToPublicKey, publicKeyToJwk } from './keys.ts';
import type { ReplayWindow } from './replay-window.ts';

export { ReplayWindow } from './replay-window.ts';

/** How far the proof's `iat` may be from the checker's clock, either way. */
export const PROOF_SECONDS = 60;
const MAX_PROOF_BYTES = 4096;

/** A proof of another time than now, and otherwise right: the clocks of the two differ, or somebody kept it. PROOF_INVALID. */
export class ProofTimeError extends BorealisError {
  /** By so many milliseconds its time is ahead of the checker's. */
  readonly aheadMs: number;

  constructor(aheadMs: number) {
    const seconds = Math.round(Math.abs(aheadMs) / 1_000);
    const way = aheadMs > 0 ? 'ahead of' : 'behind';
    super('PROOF_INVALID', {
      detail: `Its time is ${seconds} s ${way} the engine's, and ${PROOF_SECONDS} s are allowed.`,
    });
    this.aheadMs = aheadMs;
  }
}

export interface DpopProofFor {
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly method: string;
  /** Absolute; a query or fragment is left out of the proof. */
  readonly url: string;
  /** When the request carries one: the proof is then bound to it by `ath`. */
  readonly accessToken?: string | undefined;
  readonly now: Date;
}

export function createDpopProof(options: DpopProofFor, ed: Ed25519 = nobleEd25519): string {
  const { seed, publicKey, method, url, accessToken, now } = options;
  const htu = normaliseHtu(url);
  if (!htu) throw new RangeError('the URL of a proof is absolute, http or https, without user information');
  const claims = {
    jti: randomUUID(),
    htm: method,
    htu,
    iat: Math.floor(now.getTime() / 1000),
    ...(accessToken === undefined ? {} : { ath: tokenHash(accessToken) }),
  };
  return sealCompact({ typ: 'dpop+jwt', alg: 'EdDSA', jwk: publicKeyToJwk(publicKey) }, claims, seed, ed);
}

export interface DpopExpectation {
  readonly method: string;
  /** The URL as the client must have meant it: built from what is configured, not from the request's Host header. */
  readonly url: string;
  readonly accessToken?: string | undefined;
  /** `cnf.jkt` of the access token, or the thumbprint on record for the device. */
  readonly expectedJkt: string;
  readonly now: Date;
  readonly replay: ReplayWindow;
}

/**
 * The signature is checked beside this thread. Throws BorealisError: PROOF_INVALID with the check that failed
 * (ProofTimeError where it is the time), REPLAY_DETECTED for a proof that was seen before, RATE_LIMITED when the replay
 * window has no room. Only a proof that passes all other checks enters the window.
 */
export async function verifyDpopProof(
  proof: string,
  expected: DpopExpectation,
  verify: VerifyLater = nodeVerifyLater,
): Promise<{ jkt: string; jti: string; issuedAt: Date }> {
  const jws = splitCompact(proof, ['typ', 'jwk'], MAX_PROOF_BYTES);
  if (jws?.header.typ !== 'dpop+jwt') throw invalid('It does not have the form of a DPoP proof.');
  const publicKey = keyOf(jws.header.jwk);
  const jkt = jwkThumbprint(publicKey);
  if (!sameText(jkt, expected.expectedJkt)) throw invalid('It was made with another key.');
  if (!(await verify(jws.signature, jws.input, publicKey))) throw invalid('Its signature does not verify.');

  const bound = expected.accessToken !== undefined;
  const claims = parseExactObject(jws.payload, ['jti', 'htm', 'htu', 'iat', ...(bound ? ['ath'] : [])]);
  if (!claims) throw invalid(`Its claims are not exactly jti, htm, htu, iat${bound ? ', ath' : ''}.`);
  const { jti, htm, htu, iat, ath } = claims;
  if (typeof jti !== 'string' || !/^[A-Za-z0-9_-]{16,64}$/.test(jti))
    throw invalid('Its jti is not 16 to 64 characters of base64url.');
  if (htm !== expected.method) throw invalid('It was made for another method.');
  if (typeof htu !== 'string' || /[?#]/.test(htu) || !sameUrl(htu, expected.url))
    throw invalid('It was made for another URL.');
  if (!Number.isSafeInteger(iat)) throw invalid('Its iat is not a whole number of seconds.');
  const issuedAt = (iat as number) * 1000;
  const now = expected.now.getTime();
  if (!(Math.abs(now - issuedAt) <= PROOF_SECONDS * 1000)) throw new ProofTimeError(issuedAt - now);
  if (
    expected.accessToken !== undefined &&
    !(typeof ath === 'string' && sameText(ath, tokenHash(expected.accessToken)))
  )
    throw invalid('It was made for another access token.');

  const admission = expected.replay.admit(jkt, jti, issuedAt + PROOF_SECONDS * 1000 + 1, now);
  if (admission === 'replayed')
    throw new BorealisError('REPLAY_DETECTED', { detail: 'A DPoP proof was used twice.' });
  if (admission === 'full')
    throw new BorealisError('RATE_LIMITED', { detail: 'There is no room to remember more proofs.' });
  return { jkt, jti, issuedAt: new Date(issuedAt) };
}

const invalid = (detail: string): BorealisError => new BorealisError('PROOF_INVALID', { detail });

function keyOf(jwk: unknown): Uint8Array {
  try {
    return jwkToPublicKey(jwk);
  } catch (error) {
    throw new BorealisError('PROOF_INVALID', {
      detail: 'Its jwk is not a public Ed25519 key.',
      cause: error,
    });
  }
}

/** RFC 9449 §4.3: without query and fragment; case, default port and dot segments normalised (RFC 3986 §6.2.2, §6.2.3). */
function normaliseHtu(text: string): string | undefined {
  const url = URL.parse(text);
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.username || url.password)
    return undefined;
  return url.origin + url.pathname;
}

function sameUrl(htu: string, expected: string): boolean {
  const wanted = normaliseHtu(expected);
  return wanted !== undefined && normaliseHtu(htu) === wanted;
}

/** `ath`: base64url of the SHA-256 of the token's ASCII text (RFC 9449 §4.2). */
const tokenHash = (token: string): string => hash('sha256', token, 'base64url');

function sameText(left: string, right: string): boolean {
  const a = Buffer.from(left);
  const b = Buffer.from(right);
  return a.length === b.length && timingSafeEqual(a, b);
}
