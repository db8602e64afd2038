/** How long wireguard-go is waited for. One that hangs costs whoever asks next little. */
import { BorealisError } from '../protocol/errors.ts';
import type { WgSystem } from './system.ts';

/** Milliseconds. */
const ANSWER_MS = 5_000;
/** For one that was silent for so long a moment ago: it answers at once, if it was the machine that stood still. */
const ANSWER_AGAIN_MS = 1_000;
const MOMENT_MS = 10_000;

/** `ask` rejects with TIMED_OUT after `limit` milliseconds without an answer; `now` is monotonic. */
export const patiently = (
  ask: (interfaceName: string, request: string, limit: number) => Promise<string | null>,
  now: () => number,
): WgSystem['ask'] => {
  const silentAt = new Map<string, number>();
  return async (name, request) => {
    const silentFor = now() - (silentAt.get(name) ?? -Infinity);
    try {
      const answer = await ask(name, request, silentFor < MOMENT_MS ? ANSWER_AGAIN_MS : ANSWER_MS);
      silentAt.delete(name);
      return answer;
    } catch (error) {
      if (error instanceof BorealisError && error.code === 'TIMED_OUT') silentAt.set(name, now());
      throw error;
    }
  };
};
