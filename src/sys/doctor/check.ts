/** What a check says, in one shape wherever it is made: by the engine, by its command line, by an agent. */
import type { Check } from '../../protocol/engine.ts';

export const ok = (id: string, message: string): Check => ({ id, state: 'ok', message, remedy: null });
export const skipped = (id: string, message: string): Check => ({
  id,
  state: 'skipped',
  message,
  remedy: null,
});
export const found = (state: 'warn' | 'fail', id: string, message: string, remedy: string): Check => ({
  id,
  state,
  message,
  remedy,
});
