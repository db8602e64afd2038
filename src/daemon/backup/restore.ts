/**
 * The second half of a restore, at the next start and before anything is opened. Each file is moved once: present one
 * aside, restored one into its place; a crash in between is finished by the next start.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { CONFIG_FILE, MASTER_KEY_FILE, STORE_FILE } from './archive.ts';

export const PENDING = 'restore.pending';
/** Holds the name of the folder for the former state: chosen once, the same however often this runs. */
export const PREVIOUS = 'previous';
/** Who asked for it, and what the audit trail was that it replaces. */
export const ASKED = 'asked.json';

const asked = z.strictObject({
  actor: z.string(),
  created_at: z.string(),
  devices: z.number(),
  replaced: z.strictObject({ seq: z.number(), hash: z.string() }),
});
export type Asked = z.infer<typeof asked>;

export interface Restored {
  /** Folder of the former state. */
  readonly previous: string;
  /** Null where an engine of before such notes was asked. */
  readonly asked: Asked | null;
}

/** Folders in which backups are made and checked; what a killed engine left of them holds copies of secrets. */
export const WORK_FOLDERS = ['.backup-', '.verify-'] as const;
/** What mkdtemp(3) makes of them: an operator's own `backup-2026` is no leftover. */
const LEFTOVER = new RegExp(
  `^(${WORK_FOLDERS.map((prefix) => prefix.replace('.', '\\.')).join('|')})\\w{6}$`,
);

export const removeLeftovers = (state: string): void => {
  for (const entry of readdirSync(state, { withFileTypes: true })) {
    if (entry.isDirectory() && LEFTOVER.test(entry.name))
      rmSync(join(state, entry.name), { recursive: true });
  }
};

/** Null where no restore was waiting. One that was is found again by each start until `endRestore`. */
export const finishRestore = (state: string, masterKeyFile: string): Restored | null => {
  const pending = join(state, PENDING);
  if (!existsSync(pending)) return null;
  const aside = join(state, basename(readFileSync(join(pending, PREVIOUS), 'utf8')));
  mkdirSync(aside, { recursive: true, mode: 0o700 });
  // The key first: where its place cannot be written to, nothing else is moved.
  const places = [
    [MASTER_KEY_FILE, masterKeyFile],
    [CONFIG_FILE, join(state, CONFIG_FILE)],
    [STORE_FILE, join(state, STORE_FILE)],
  ] as const;
  for (const [name, place] of places) {
    const restored = join(pending, name);
    if (!existsSync(restored)) continue;
    if (name === MASTER_KEY_FILE && isSame(restored, place)) {
      // One that systemd hands out could not be moved, and need not be.
      copy(place, join(aside, basename(place)));
      continue;
    }
    for (const old of name === STORE_FILE ? [place, `${place}-wal`, `${place}-shm`] : [place]) {
      const kept = join(aside, basename(old));
      if (existsSync(old) && !existsSync(kept)) move(old, kept);
    }
    move(restored, place);
  }
  const note = join(pending, ASKED);
  return {
    previous: aside,
    asked: existsSync(note) ? asked.parse(JSON.parse(readFileSync(note, 'utf8'))) : null,
  };
};

/** Once the restored store knows what it is. */
export const endRestore = (state: string): void => rmSync(join(state, PENDING), { recursive: true });

const isSame = (one: string, other: string): boolean =>
  existsSync(other) && readFileSync(one).equals(readFileSync(other));

/** rename(2), also to another file system, where the master key may lie. */
const move = (from: string, to: string): void => {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    copy(from, to);
    rmSync(from);
  }
};

/** Whole or not at all. */
const copy = (from: string, to: string): void => {
  const beside = `${to}.new`;
  writeFileSync(beside, readFileSync(from), { mode: 0o600, flush: true });
  renameSync(beside, to);
};
