/** Messages that are refused: logged and counted each time, and told to the engine, loudly where it smells of an attack. */
import { ERRORS, type ErrorCode } from '../protocol/errors.ts';
import type { Clock } from '../sys/clock.ts';
import type { Uplink } from './channel.ts';
import { notRun } from './execution.ts';
import type { Journal } from './journal.ts';
import type { AgentLog } from './log.ts';
import { type Signer, sealResult } from './result.ts';
import type { Refusal } from './verify.ts';

/** Refusals told in a row, and how long until another may be told: a flood must not become one of our own. */
const TOLD_BURST = 20;
const TOLD_EVERY_MS = 3_000;
const LOUD: ReadonlySet<ErrorCode> = new Set(['INVALID_SIGNATURE', 'NOT_ADDRESSED']);

export interface RefusalOptions {
  readonly guid: string;
  readonly signer: Signer;
  readonly journal: Journal;
  readonly uplink: Uplink;
  readonly clock: Clock;
  readonly log: AgentLog;
}

export class Refusals {
  readonly #options: RefusalOptions;
  #count = 0;
  #tokens = TOLD_BURST;
  #filledAt: number;

  constructor(options: RefusalOptions) {
    this.#options = options;
    this.#filledAt = options.clock.monotonic();
  }

  get count(): number {
    return this.#count;
  }

  /** The signed result is not kept: should it get lost, the same message meets the same answer again. */
  refuse({ code, detail, corrId, signed }: Refusal): void {
    const { log, uplink, journal, clock, guid, signer } = this.#options;
    this.#count += 1;
    log.warn({ code, corr_id: corrId, refused: this.#count }, `message refused: ${detail}`);
    if (!this.#mayTell()) return;
    uplink.send({
      type: 'EVENT',
      kind: code === 'REPLAY_DETECTED' ? 'replay_refused' : LOUD.has(code) ? 'signature_refused' : 'notice',
      message: `${ERRORS[code].message} ${detail}`,
      corr_id: corrId,
    });
    // What nobody signed must not put an end to a command that somebody did.
    if (corrId === null || (!signed && journal.find(corrId))) return;
    const finished = notRun('refused', code, clock, detail);
    const envelope = sealResult({ corr_id: corrId, guid, ...finished }, null, signer);
    uplink.send({ type: 'RESULT', corr_id: corrId, envelope });
  }

  #mayTell(): boolean {
    const now = this.#options.clock.monotonic();
    this.#tokens = Math.min(TOLD_BURST, this.#tokens + (now - this.#filledAt) / TOLD_EVERY_MS);
    this.#filledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
