/**
 * Access tokens: JWTs (RFC 7519, typ of RFC 9068) signed by the engine, for 15 minutes, bound to the agent's key by
 * `cnf.jkt` (RFC 9449 §6.1): worth nothing without a DPoP proof by that key. Refresh tokens: random, kept as SHA-256.
 */
import { hash, randomBytes, randomUUID } from 'node:crypto';
import { BorealisError } from '../protocol/errors.ts';
import { decodeBase64url, encodeBase64url } from './base64url.ts';
import { type Ed25519, nodeEd25519, nodeVerifyLater, type VerifyLater } from './ed25519.ts';
import { isExactObject, parseExactObject } from './exact-json.ts';
import { type DeviceContext, isContext, isGuid } from './identity.ts';
import { sealCompact, splitCompact } from './jws.ts';

export const ACCESS_TOKEN_SECONDS = 15 * 60;
/** How far the issuing engine's clock may be ahead of the checking one's. Expiry has no such grace. */
const ISSUED_SKEW_SECONDS = 30;
const MAX_TOKEN_BYTES = 2048;
const MEMBERS = ['iss', 'sub', 'ctx', 'tv', 'cnf', 'iat', 'exp', 'jti'] as const;

export interface AccessClaims {
  readonly iss: 'borealis';
  /** The device's GUID. */
  readonly sub: string;
  readonly ctx: DeviceContext;
  /** Token version of the device; raising the stored one ends every token issued before. */
  readonly tv: number;
  /** RFC 7638 thumbprint of the agent's key. */
  readonly cnf: { readonly jkt: string };
  /** Seconds since 1970. */
  readonly iat: number;
  readonly exp: number;
  readonly jti: string;
}

export interface AccessTokenFor {
  readonly guid: string;
  readonly context: DeviceContext;
  readonly tokenVersion: number;
  readonly jkt: string;
}

export function issueAccessToken(
  subject: AccessTokenFor,
  { seed, now }: { readonly seed: Uint8Array; readonly now: Date },
  ed: Ed25519 = nodeEd25519,
): { token: string; expiresAt: Date } {
  const iat = Math.floor(now.getTime() / 1000);
  const claims: AccessClaims = {
    iss: 'borealis',
    sub: subject.guid,
    ctx: subject.context,
    tv: subject.tokenVersion,
    cnf: { jkt: subject.jkt },
    iat,
    exp: iat + ACCESS_TOKEN_SECONDS,
    jti: randomUUID(),
  };
  if (!isAccessClaims({ ...claims })) throw new RangeError('an access token cannot say that of a device');
  const token = sealCompact({ alg: 'EdDSA', typ: 'at+jwt' }, claims, seed, ed);
  return { token, expiresAt: new Date(claims.exp * 1000) };
}

/**
 * The claims of a token that `publicKey` signed, that is not expired and that lasts no longer than tokens do.
 * Throws BorealisError TOKEN_INVALID or EXPIRED_TOKEN. The caller still compares `tv` and `cnf.jkt`.
 */
export async function verifyAccessToken(
  token: string,
  { publicKey, now }: { readonly publicKey: Uint8Array; readonly now: Date },
  verify: VerifyLater = nodeVerifyLater,
): Promise<AccessClaims> {
  const jws = splitCompact(token, ['typ'], MAX_TOKEN_BYTES);
  if (jws?.header.typ !== 'at+jwt') throw invalid('It does not have the form of an access token.');
  if (!(await verify(jws.signature, jws.input, publicKey))) throw invalid('Its signature does not verify.');
  const claims = parseExactObject(jws.payload, MEMBERS);
  if (!claims || !isAccessClaims(claims)) throw invalid('Its claims do not have the agreed form.');
  const seconds = now.getTime() / 1000;
  if (seconds >= claims.exp) throw new BorealisError('EXPIRED_TOKEN');
  // Written so that a NaN clock is refused as well.
  if (!(claims.iat <= seconds + ISSUED_SKEW_SECONDS)) throw invalid('It was issued in the future.');
  return claims;
}

/** 32 random bytes for the agent (base64url), and what the engine keeps of them. */
export function newRefreshToken(): { token: string; hash: string } {
  const token = encodeBase64url(randomBytes(32));
  return { token, hash: hashRefreshToken(token) };
}

/** SHA-256 of the token's text, base64url, 43 characters. Unsalted: the token is 256 random bits. */
export function hashRefreshToken(token: string): string {
  return hash('sha256', token, 'base64url');
}

const invalid = (detail: string): BorealisError => new BorealisError('TOKEN_INVALID', { detail });

function isAccessClaims(claims: Record<string, unknown>): claims is Record<string, unknown> & AccessClaims {
  const { iss, sub, ctx, tv, cnf, iat, exp, jti } = claims;
  return (
    iss === 'borealis' &&
    isGuid(sub) &&
    isContext(ctx) &&
    isCount(tv) &&
    isExactObject(cnf, ['jkt']) &&
    typeof cnf.jkt === 'string' &&
    decodeBase64url(cnf.jkt, 32) !== undefined &&
    isCount(iat) &&
    isCount(exp) &&
    exp > iat &&
    exp - iat <= ACCESS_TOKEN_SECONDS &&
    isGuid(jti)
  );
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
