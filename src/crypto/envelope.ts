/**
 * Signed envelopes: what the engine tells an agent to do, and what the agent answers (DESIGN §4.6). A compact JWS with
 * the header members alg, typ and kid, no more and no fewer. `typ` keeps one kind from passing as another.
 * Replay, expiry and addressing are judged from the claims by whoever opens the envelope: here only origin is proved.
 */
import type { Ed25519, VerifyLater } from './ed25519.ts';
import { parseExactJson } from './exact-json.ts';
import { sealCompact, splitCompact, type UnverifiedJws } from './jws.ts';

export type EnvelopeType =
  | 'borealis-command+jws'
  | 'borealis-result+jws'
  | 'borealis-script+jws'
  | 'borealis-tunnel+jws'
  | 'borealis-port+jws'
  | 'borealis-bastion+jws';
export type EnvelopeReason = 'malformed' | 'wrong_type' | 'unknown_key' | 'bad_signature';

const SENTENCES: Record<EnvelopeReason, string> = {
  malformed: 'the envelope does not have the agreed form',
  wrong_type: 'the envelope is of another type',
  unknown_key: 'the envelope names a key that is not known here',
  bad_signature: 'the signature of the envelope does not verify',
};

export class EnvelopeError extends Error {
  override name = 'EnvelopeError';
  readonly reason: EnvelopeReason;

  constructor(reason: EnvelopeReason) {
    super(SENTENCES[reason]);
    this.reason = reason;
  }
}

/** `seed`: 32 bytes. `kid`: names the key to the reader, 1 to 128 characters; by custom the key's RFC 7638 thumbprint. */
export interface SealWith {
  readonly seed: Uint8Array;
  readonly kid: string;
  readonly typ: EnvelopeType;
}

/** `claims` must be a plain JSON object; RangeError when it or `kid` is not. */
export function sealEnvelope(claims: object, { seed, kid, typ }: SealWith, ed: Ed25519): string {
  if (Array.isArray(claims)) throw new RangeError('the claims of an envelope are an object');
  if (!isKid(kid)) throw new RangeError('a kid has 1 to 128 characters');
  return sealCompact({ alg: 'EdDSA', typ, kid }, claims, seed, ed);
}

export type EnvelopeKeys =
  /** The one key that may have signed; the header's kid is then only reported. */
  | { readonly publicKey: Uint8Array; readonly keyFor?: never }
  /** The key of that name, or undefined when there is none. */
  | { readonly keyFor: (kid: string) => Uint8Array | undefined; readonly publicKey?: never };

export type OpenWith = EnvelopeKeys & {
  readonly typ: EnvelopeType;
  /** Longest compact text taken, in characters (all ASCII, so bytes). */
  readonly maxBytes: number;
};

export interface OpenedEnvelope {
  /** A JSON object; which members it has is for a protocol schema to say. */
  readonly claims: unknown;
  readonly kid: string;
}

/** Throws EnvelopeError. Nothing of the claims is parsed before the signature has been verified. */
export function openEnvelope(compact: string, options: OpenWith, ed: Ed25519): OpenedEnvelope {
  const { jws, kid, publicKey } = unverified(compact, options);
  return opened(jws, kid, ed.verify(jws.signature, jws.input, publicKey));
}

/** The same with a check that is done elsewhere meanwhile. Rejects with EnvelopeError. */
export async function openEnvelopeLater(
  compact: string,
  options: OpenWith,
  verify: VerifyLater,
): Promise<OpenedEnvelope> {
  const { jws, kid, publicKey } = unverified(compact, options);
  return opened(jws, kid, await verify(jws.signature, jws.input, publicKey));
}

interface Unverified {
  readonly jws: UnverifiedJws;
  readonly kid: string;
  readonly publicKey: Uint8Array;
}

function unverified(compact: string, options: OpenWith): Unverified {
  const jws = splitCompact(compact, ['typ', 'kid'], options.maxBytes);
  const kid = jws?.header.kid;
  if (!jws || typeof kid !== 'string' || !isKid(kid)) throw new EnvelopeError('malformed');
  if (jws.header.typ !== options.typ) throw new EnvelopeError('wrong_type');
  const publicKey = options.keyFor ? options.keyFor(kid) : options.publicKey;
  if (!publicKey) throw new EnvelopeError('unknown_key');
  return { jws, kid, publicKey };
}

function opened(jws: UnverifiedJws, kid: string, valid: boolean): OpenedEnvelope {
  if (!valid) throw new EnvelopeError('bad_signature');
  const claims = parseExactJson(jws.payload);
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims))
    throw new EnvelopeError('malformed');
  return { claims, kid };
}

const isKid = (kid: string): boolean => kid.length >= 1 && kid.length <= 128;
