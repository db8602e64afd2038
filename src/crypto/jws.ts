/**
 * Compact JWS (RFC 7515) with EdDSA (RFC 8037) and nothing else: no other algorithm, no `crit`, no key from the header,
 * one spelling per message. Envelopes, access tokens and DPoP proofs stand on it.
 */
import { decodeBase64url, encodeBase64url } from './base64url.ts';
import type { Ed25519 } from './ed25519.ts';
import { SIGNATURE_BYTES } from './ed25519-encoding.ts';
import { parseExactObject } from './exact-json.ts';

/** `header.payload.signature` over `claims`; `header` must bring alg 'EdDSA'. */
export function sealCompact(
  header: { readonly alg: 'EdDSA' } & Record<string, unknown>,
  claims: object,
  seed: Uint8Array,
  ed: Ed25519,
): string {
  const input = `${encodeText(JSON.stringify(header))}.${encodeText(JSON.stringify(claims))}`;
  return `${input}.${encodeBase64url(ed.sign(Buffer.from(input, 'latin1'), seed))}`;
}

export interface UnverifiedJws {
  readonly header: Record<string, unknown>;
  readonly payload: Buffer;
  /** What was signed, and the signature over it: hand both to `Ed25519.verify`. */
  readonly input: Buffer;
  readonly signature: Buffer;
}

/**
 * Takes a compact JWS apart without trusting it. Undefined unless it is at most `maxBytes` long, canonical base64url
 * throughout, and its header is exact JSON with alg 'EdDSA' and exactly the given members besides.
 */
export function splitCompact(
  compact: unknown,
  members: readonly string[],
  maxBytes: number,
): UnverifiedJws | undefined {
  if (typeof compact !== 'string' || compact.length > maxBytes) return undefined;
  const first = compact.indexOf('.');
  const last = compact.lastIndexOf('.');
  if (first < 1 || last === first) return undefined;
  // Should there be a third point, it lies in the payload, where base64url has none.
  const signature = decodeBase64url(compact.slice(last + 1), SIGNATURE_BYTES);
  const payload = decodeBase64url(compact.slice(first + 1, last));
  const headerBytes = decodeBase64url(compact.slice(0, first));
  if (!signature || !payload || !headerBytes) return undefined;
  const header = parseExactObject(headerBytes, ['alg', ...members]);
  if (header?.alg !== 'EdDSA') return undefined;
  return { header, payload, input: Buffer.from(compact.slice(0, last), 'latin1'), signature };
}

function encodeText(json: string): string {
  return Buffer.from(json, 'utf8').toString('base64url');
}
