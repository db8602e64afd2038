/** Whether a RESULT is what it says: signed by the key of that device and context, about that command, by that device. */
import type { VerifyLater } from '../../crypto/ed25519.ts';
import { EnvelopeError, openEnvelopeLater } from '../../crypto/envelope.ts';
import { RESULT_TYPE, type ResultClaims, resultClaims } from '../../protocol/command.ts';
import type { ErrorCode } from '../../protocol/errors.ts';
import { FRAME_MAX_BYTES } from '../../protocol/frame.ts';

export type CheckedResult =
  | { readonly claims: ResultClaims; readonly code?: never; readonly problem?: never }
  | {
      readonly claims?: never;
      readonly code: ErrorCode & ('INVALID_SIGNATURE' | 'SCHEMA_MISMATCH' | 'NOT_ADDRESSED');
      /** Ends a sentence: “… sent a result ⟨problem⟩”. */
      readonly problem: string;
    };

export const checkResult = async (
  frame: { readonly corr_id: string; readonly envelope: string },
  from: { readonly guid: string; readonly publicKey: Uint8Array },
  verify: VerifyLater,
): Promise<CheckedResult> => {
  let opened: unknown;
  try {
    const expected = { publicKey: from.publicKey, typ: RESULT_TYPE, maxBytes: FRAME_MAX_BYTES } as const;
    opened = (await openEnvelopeLater(frame.envelope, expected, verify)).claims;
  } catch (error) {
    if (!(error instanceof EnvelopeError)) throw error;
    return { code: 'INVALID_SIGNATURE', problem: `that is not signed by it: ${error.message}` };
  }
  const claims = parse(opened);
  if (!claims) return { code: 'SCHEMA_MISMATCH', problem: 'of another form than agreed' };
  if (claims.corr_id !== frame.corr_id)
    return { code: 'NOT_ADDRESSED', problem: 'in the frame of another command' };
  if (claims.guid !== from.guid) return { code: 'NOT_ADDRESSED', problem: 'in the name of another device' };
  return { claims };
};

const parse = (opened: unknown): ResultClaims | undefined => {
  try {
    return resultClaims.safeParse(opened).data;
  } catch (error) {
    // A value nested deeper than the stack.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
};
