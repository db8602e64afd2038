/** What a check of this machine says; the same shape as the engine's own. */
import type { Check } from '../../../protocol/engine.ts';

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
