/** What a command came to, signed by this agent, and small enough for one frame. */

import type { Ed25519 } from '../crypto/ed25519.ts';
import { sealEnvelope } from '../crypto/envelope.ts';
import { RESULT_TYPE, type ResultClaims } from '../protocol/command.ts';
import { FRAME_MAX_BYTES } from '../protocol/frame.ts';
import type { CappedOutput } from './output.ts';

/** Around the envelope in its frame, and around the claims in the envelope (header, signature, dots). */
const FRAME_OVERHEAD = 512;
/** Bytes of JSON that fit: base64url makes four characters of three bytes. */
export const CLAIMS_MAX_BYTES = Math.floor(((FRAME_MAX_BYTES - FRAME_OVERHEAD) * 3) / 4);
const ERROR_MAX = 2_000;

export interface Signer {
  readonly seed: Uint8Array;
  /** Of the key, as envelopes name it: its RFC 7638 thumbprint. */
  readonly kid: string;
  readonly ed: Ed25519;
}

export type ResultParts = Omit<ResultClaims, 'stdout' | 'stderr' | 'truncated'>;

/** Compact JWS. Output that does not fit loses more of its middle; data that does not fit becomes an error. */
export function sealResult(
  parts: ResultParts,
  output: { readonly stdout: CappedOutput; readonly stderr: CappedOutput } | null,
  { seed, kid, ed }: Signer,
): string {
  const claims = sized({ ...parts, error: parts.error?.slice(0, ERROR_MAX) ?? null }, output);
  return sealEnvelope(claims, { seed, kid, typ: RESULT_TYPE }, ed);
}

function sized(
  parts: ResultParts,
  output: { readonly stdout: CappedOutput; readonly stderr: CappedOutput } | null,
): ResultClaims {
  const without: ResultClaims = { ...parts, stdout: '', stderr: '', truncated: false };
  if (size(without) > CLAIMS_MAX_BYTES - 4_096)
    return sized(
      {
        ...parts,
        state: 'failed',
        value: null,
        error_code: 'EXEC_FAILED',
        error: 'The answer is too large to send.',
      },
      output,
    );
  if (!output || (output.stdout.total === 0 && output.stderr.total === 0)) return without;
  // Control characters take six bytes in JSON, so what fits is not known before it was tried.
  for (let limit = Number.POSITIVE_INFINITY; ; limit = nextLimit(limit, output)) {
    const stdout = output.stdout.text(limit);
    const stderr = output.stderr.text(limit);
    const claims: ResultClaims = {
      ...without,
      stdout: stdout.text,
      stderr: stderr.text,
      truncated: stdout.truncated || stderr.truncated,
    };
    if (size(claims) <= CLAIMS_MAX_BYTES) return claims;
  }
}

const nextLimit = (
  limit: number,
  { stdout, stderr }: { readonly stdout: CappedOutput; readonly stderr: CappedOutput },
): number => Math.floor(Math.min(limit, Math.max(stdout.total, stderr.total), 524_288) * 0.7);

const size = (claims: ResultClaims): number => Buffer.byteLength(JSON.stringify(claims));
