/** What `run` is doing, for `borealis-agent status`: a small file, replaced as a whole. No promise rests on it. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { timestamp } from '../protocol/scalars.ts';

const statusFile = z.strictObject({
  pid: z.number().int(),
  state: z.enum(['connecting', 'online', 'waiting', 'stopped']),
  since: timestamp,
  /** Kept when the connection is back: why it was gone. */
  last_error: z
    .strictObject({ at: timestamp, code: z.string(), message: z.string(), next: z.string() })
    .nullable(),
  next_attempt_at: timestamp.nullable(),
  engine_version: z.string().nullable(),
});
export type RunStatus = z.infer<typeof statusFile>;

/** Writes at most one file at a time, and always ends with the newest. Errors are the reader's not to see: `onError`. */
export class StatusWriter {
  readonly #path: string;
  readonly #onError: (error: unknown) => void;
  #next: RunStatus | undefined;
  #writing: Promise<void> | undefined;

  constructor(path: string, onError: (error: unknown) => void) {
    this.#path = path;
    this.#onError = onError;
  }

  write(status: RunStatus): void {
    this.#next = status;
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Resolves when the newest is written. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  async #drain(): Promise<void> {
    while (this.#next) {
      const status = this.#next;
      this.#next = undefined;
      try {
        await writeFile(`${this.#path}.tmp`, `${JSON.stringify(status)}\n`, { mode: 0o600 });
        await rename(`${this.#path}.tmp`, this.#path);
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}

/** Null where there is none that can be read. */
export async function readStatus(path: string): Promise<RunStatus | null> {
  try {
    return statusFile.safeParse(JSON.parse(await readFile(path, 'utf8'))).data ?? null;
  } catch {
    return null; // never ran, or another's: `status` then says that it is not running
  }
}
