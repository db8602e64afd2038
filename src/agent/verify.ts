/** Whether a message is a command of our engine, for this agent, in force now (DESIGN §4.6). Whatever is not is refused. */
import type { Ed25519 } from '../crypto/ed25519.ts';
import { EnvelopeError, openEnvelope } from '../crypto/envelope.ts';
import {
  agentTarget,
  COMMAND_TYPE,
  type CommandClaims,
  commandClaims,
  correlationId,
  SCRIPT_TYPE,
  scriptClaims,
} from '../protocol/command.ts';
import { BorealisError, type ErrorCode } from '../protocol/errors.ts';
import { FRAME_MAX_BYTES } from '../protocol/frame.ts';
import type { AgentContext } from '../protocol/scalars.ts';
import type { Trust } from './verbs/verb.ts';

/** The engine's clock may be this far ahead of ours. Expiry has no such grace. */
const ISSUED_SKEW_SECONDS = 60;
const SCRIPT_SIGNATURE_MAX = 2_048;

export interface CommandTrust {
  readonly guid: string;
  readonly context: AgentContext;
  /** The engine's Ed25519 signing key, 32 bytes, and its id. */
  readonly signingKey: Uint8Array;
  readonly signingKeyId: string;
  readonly ed: Ed25519;
}

export interface Refusal {
  readonly code: ErrorCode;
  /** A sentence; quotes nothing of what was sent. */
  readonly detail: string;
  /** As the message says; null where it cannot be read. */
  readonly corrId: string | null;
  /** Whether the engine signed it: only then is `corrId` more than a claim. */
  readonly signed: boolean;
}

export type Verified =
  | { readonly claims: CommandClaims; readonly refusal?: never }
  | { readonly refusal: Refusal; readonly claims?: never };

/** `nowMs`: milliseconds since 1970. Replay is the journal's question. */
export function verifyCommand(envelope: string, trust: CommandTrust, nowMs: number): Verified {
  let opened: unknown;
  try {
    opened = open(envelope, trust);
  } catch (error) {
    if (!(error instanceof EnvelopeError)) throw error;
    return refuse('INVALID_SIGNATURE', `${sentence(error.message)}`, claimedId(envelope), false);
  }
  const parsed = commandClaims.safeParse(opened);
  if (!parsed.success) return refuse('SCHEMA_MISMATCH', describe(parsed.error), idIn(opened), true);
  const claims = parsed.data;
  const id = claims.corr_id;
  if (claims.agent_targets[0] !== agentTarget(trust.guid, trust.context))
    return refuse('NOT_ADDRESSED', 'It names another device or context.', id, true);
  const seconds = nowMs / 1_000;
  // Written so that a clock that is not a number refuses as well.
  if (!(claims.exp > seconds)) return refuse('EXPIRED_TOKEN', 'The command has expired.', id, true);
  if (!(claims.iat <= seconds + ISSUED_SKEW_SECONDS))
    return refuse(
      'EXPIRED_TOKEN',
      "The command was issued in this device's future: check its clock.",
      id,
      true,
    );
  if (!(claims.iat <= claims.exp))
    return refuse('SCHEMA_MISMATCH', 'It expires before it is issued.', id, true);
  return { claims };
}

/** What verbs may ask: whether the engine signed a script. */
export const scriptTrust = ({ signingKey, signingKeyId, ed }: CommandTrust): Trust => ({
  script(signature) {
    let opened: unknown;
    try {
      const keyFor = (kid: string) => (kid === signingKeyId ? signingKey : undefined);
      opened = openEnvelope(
        signature,
        { keyFor, typ: SCRIPT_TYPE, maxBytes: SCRIPT_SIGNATURE_MAX },
        ed,
      ).claims;
    } catch (cause) {
      throw new BorealisError('INVALID_SIGNATURE', { detail: 'It is that of the script.', cause });
    }
    const parsed = scriptClaims.safeParse(opened);
    if (!parsed.success) throw new BorealisError('SCHEMA_MISMATCH', { detail: describe(parsed.error) });
    return parsed.data;
  },
});

function open(envelope: string, { signingKey, signingKeyId, ed }: CommandTrust): unknown {
  const keyFor = (kid: string) => (kid === signingKeyId ? signingKey : undefined);
  return openEnvelope(envelope, { keyFor, typ: COMMAND_TYPE, maxBytes: FRAME_MAX_BYTES }, ed).claims;
}

const refuse = (code: ErrorCode, detail: string, corrId: string | null, signed: boolean): Verified => ({
  refusal: { code, detail, corrId, signed },
});

/** The id that an unverified message claims to have: for telling about it, for nothing else. */
function claimedId(envelope: string): string | null {
  try {
    return idIn(JSON.parse(Buffer.from(envelope.split('.')[1] ?? '', 'base64url').toString('utf8')));
  } catch {
    return null; // not even JSON
  }
}

const idIn = (claims: unknown): string | null =>
  typeof claims === 'object' && claims !== null && 'corr_id' in claims
    ? (correlationId.safeParse(claims.corr_id).data ?? null)
    : null;

const describe = ({
  issues: [issue],
}: {
  issues: readonly { code?: string; path: PropertyKey[] }[];
}): string =>
  issue?.code === 'unrecognized_keys'
    ? 'It has a key that is not known.'
    : `Its ${issue?.path.map(String).join('.').slice(0, 60) || 'form'} is not valid.`;

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
