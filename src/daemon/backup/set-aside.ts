/** Folders of the states that restores have replaced: each holds a whole store and its keys, so only a few are kept. */
import { readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';

/** Enough to go back behind a restore that was itself a mistake. Told by `backup restore` (src/commands/backup/restore.ts). */
export const SET_ASIDE_KEPT = 3;
/** What `setAsideName` makes: an operator's own `before-restore-of-monday` is not ours to remove. */
const NAME = /^before-restore-\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}-\d{3}Z$/;

export const setAsideName = (now: number): string =>
  `before-restore-${new Date(now).toISOString().replace(/[:.]/g, '-')}`;

/**
 * Removes all but the newest few; never `present`, whatever the clock said when it was made. Returns what it removed.
 * Errors: those of rm(2).
 */
export const pruneSetAside = (state: string, present: string): string[] => {
  const others = readdirSync(state, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && NAME.test(entry.name) && entry.name !== basename(present))
    .map(({ name }) => name)
    .sort();
  const old = others.slice(0, Math.max(0, others.length - (SET_ASIDE_KEPT - 1)));
  for (const name of old) rmSync(join(state, name), { recursive: true });
  return old;
};
