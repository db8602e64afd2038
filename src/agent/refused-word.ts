/** A signed word that was refused (word.ts): logged, and told to the engine, as of commands (refusals.ts). */
import { BorealisError, ERRORS } from '../protocol/errors.ts';
import type { Uplink } from './channel.ts';
import type { AgentLog } from './log.ts';
import type { Telling } from './telling.ts';

export interface RefusalParts {
  readonly uplink: Uplink;
  readonly telling: Telling;
  readonly log: AgentLog;
}

export const refuseWord = (error: unknown, { uplink, telling, log }: RefusalParts): void => {
  const known = error instanceof BorealisError ? error : new BorealisError('INTERNAL', { cause: error });
  const { code, detail = '' } = known;
  log.warn({ code, ...(code === 'INTERNAL' && { err: error }) }, `message refused: ${detail}`);
  if (!telling.may()) return;
  const kind =
    code === 'REPLAY_DETECTED'
      ? 'replay_refused'
      : code === 'INVALID_SIGNATURE' || code === 'NOT_ADDRESSED'
        ? 'signature_refused'
        : 'notice';
  uplink.send({ type: 'EVENT', kind, message: `${ERRORS[code].message} ${detail}`, corr_id: null });
};
