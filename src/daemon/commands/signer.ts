/**
 * Signs what agents are told to do. A command is sealed when it is sent, and each time to the very same bytes: its nonce
 * is derived from its corr_id with a key that only this engine has, its times are those of the job. So a command that is
 * delivered twice is one command to the agent, and nothing signed lies in the store.
 */
import { randomBytes } from 'node:crypto';
import { nodeEd25519 } from '../../crypto/ed25519.ts';
import { sealEnvelope } from '../../crypto/envelope.ts';
import { agentTarget, COMMAND_TYPE, type CommandClaims } from '../../protocol/command.ts';
import type { AgentContext } from '../../protocol/scalars.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { VerbCall } from './job-work.ts';

/** Seconds that a cancellation may be under way. */
const CANCEL_SECONDS = 300;
const CANCEL_TIMEOUT_SECONDS = 60;

/** What all targets of a job have in common. Times are milliseconds since 1970. */
export interface Order {
  readonly jobId: string;
  readonly call: VerbCall;
  readonly context: AgentContext;
  readonly actor: string;
  readonly timeoutSeconds: number;
  readonly createdAt: number;
  readonly expiresAt: number;
}

export const newCorrelationId = (): string => randomBytes(18).toString('base64url');

export class CommandSigner {
  readonly #keys: Pick<KeyRing, 'signingKey' | 'derive'>;

  constructor(keys: Pick<KeyRing, 'signingKey' | 'derive'>) {
    this.#keys = keys;
  }

  command(corrId: string, guid: string, order: Order): string {
    return this.#seal({
      corr_id: corrId,
      verb: order.call.verb,
      args: order.call.args,
      actor: order.actor,
      policy_id: order.jobId,
      nonce: this.#keys.derive('command nonce', corrId).toString('base64url'),
      iat: Math.floor(order.createdAt / 1000),
      exp: Math.floor(order.expiresAt / 1000),
      agent_targets: [agentTarget(guid, order.context)],
      timeout: order.timeoutSeconds,
    });
  }

  /** A message of its own each time: an agent may be told more than once to end the same command. */
  cancel(
    corrId: string,
    guid: string,
    context: AgentContext,
    by: { jobId: string; actor: string; now: number },
  ): string {
    const now = Math.floor(by.now / 1000);
    return this.#seal({
      corr_id: newCorrelationId(),
      verb: 'cancel_command',
      args: { corr_id: corrId },
      actor: by.actor,
      policy_id: by.jobId,
      nonce: randomBytes(32).toString('base64url'),
      iat: now,
      exp: now + CANCEL_SECONDS,
      agent_targets: [agentTarget(guid, context)],
      timeout: CANCEL_TIMEOUT_SECONDS,
    });
  }

  #seal(claims: CommandClaims): string {
    const { seed, keyId } = this.#keys.signingKey();
    return sealEnvelope(claims, { seed, kid: keyId, typ: COMMAND_TYPE }, nodeEd25519);
  }
}
