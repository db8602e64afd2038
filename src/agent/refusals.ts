/** Messages that are refused: logged and counted each time, and told to the engine, loudly where it smells of an attack. */
import { ERRORS, type ErrorCode } from '../protocol/errors.ts';
import type { Clock } from '../sys/clock.ts';
import type { Uplink } from './channel.ts';
import { notRun } from './execution.ts';
import type { Journal } from './journal.ts';
import type { AgentLog } from './log.ts';
import { type Signer, sealResult } from './result.ts';
import { Telling } from './telling.ts';
import type { Refusal } from './verify.ts';

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
  readonly #telling: Telling;

  constructor(options: RefusalOptions) {
    this.#options = options;
    this.#telling = new Telling(options.clock);
  }

  get count(): number {
    return this.#count;
  }

  /** The signed result is not kept: should it get lost, the same message meets the same answer again. */
  refuse({ code, detail, corrId, signed }: Refusal): void {
    const { log, uplink, journal, clock, guid, signer } = this.#options;
    this.#count += 1;
    log.warn({ code, corr_id: corrId, refused: this.#count }, `message refused: ${detail}`);
    if (!this.#telling.may()) return;
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
}
