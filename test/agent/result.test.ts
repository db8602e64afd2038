import { describe, expect, it } from 'vitest';
import { CappedOutput } from '../../src/agent/output.ts';
import { sealResult } from '../../src/agent/result.ts';
import { generateEd25519, nobleEd25519 } from '../../src/crypto/ed25519.ts';
import { openEnvelope } from '../../src/crypto/envelope.ts';
import { jwkThumbprint } from '../../src/crypto/keys.ts';
import { OUTPUT_CAP_BYTES, RESULT_TYPE, resultClaims } from '../../src/protocol/command.ts';
import { FRAME_MAX_BYTES, fromAgent } from '../../src/protocol/frame.ts';

const key = generateEd25519();
const parts = {
  corr_id: 'c'.repeat(20),
  guid: '3f0f6a57-0d0b-4a53-9f2e-1d3b5c7e9a11',
  state: 'succeeded' as const,
  exit_code: 0,
  error_code: null,
  error: null,
  value: null,
  started_at: 1,
  duration_ms: 1,
};
const full = (byte: string | number) => {
  const output = new CappedOutput(OUTPUT_CAP_BYTES);
  output.write(Buffer.alloc(OUTPUT_CAP_BYTES * 3, byte));
  return output;
};
const opened = (envelope: string) => {
  const frame = JSON.stringify(fromAgent.parse({ type: 'RESULT', corr_id: parts.corr_id, envelope }));
  expect(Buffer.byteLength(frame)).toBeLessThanOrEqual(FRAME_MAX_BYTES);
  const { claims } = openEnvelope(
    envelope,
    { publicKey: key.publicKey, typ: RESULT_TYPE, maxBytes: FRAME_MAX_BYTES },
    nobleEd25519,
  );
  return resultClaims.parse(claims);
};
const signer = { seed: key.seed, kid: jwkThumbprint(key.publicKey), ed: nobleEd25519 };

describe('a result fits one frame', () => {
  it('with both outputs at their caps, nothing more cut', () => {
    const claims = opened(sealResult(parts, { stdout: full('x'), stderr: full('y') }, signer));
    expect(claims.truncated).toBe(true);
    expect(claims.stdout.replace(/[^x]/g, '')).toHaveLength(OUTPUT_CAP_BYTES);
    expect(claims.stderr.replace(/[^y]/g, '').length).toBeGreaterThanOrEqual(OUTPUT_CAP_BYTES);
  });

  it('with control characters, each of which takes six bytes in JSON', () => {
    const claims = opened(sealResult(parts, { stdout: full(1), stderr: full(27) }, signer));
    expect(claims.stdout.length).toBeGreaterThan(30_000);
  });

  it('with bytes that are no UTF-8', () => {
    opened(sealResult(parts, { stdout: full(0xff), stderr: full(0xc0) }, signer));
  });

  it('with data that does not fit: an error in its place', () => {
    const claims = opened(sealResult({ ...parts, value: 'x'.repeat(2_000_000) }, null, signer));
    expect(claims).toMatchObject({ state: 'failed', value: null, error_code: 'EXEC_FAILED' });
  });

  it('with an endless error', () => {
    expect(opened(sealResult({ ...parts, error: 'e'.repeat(9_000_000) }, null, signer)).error).toHaveLength(
      2_000,
    );
  });
});
