/**
 * Settled commands, one line each, appended and synced: `corr_id nonce until`. Read at the start, where a torn last
 * line (power cut) is dropped: its command still has its own file then. Lines past their time go when the file is rewritten.
 */
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory, writeFileDurably } from '../sys/files.ts';

const LINE = /^([A-Za-z0-9_-]{12,64}) ([A-Za-z0-9_-]{43}) (\d{1,10})$/;
/** Rewritten when at least this many lines, and half of all, are past their time. */
const REWRITE_LINES = 1_000;

export interface Seen {
  readonly corrId: string;
  readonly nonce: string;
  /** Seconds since 1970 until which it is remembered. */
  readonly until: number;
}

export class SeenLog {
  readonly #path: string;
  #file: FileHandle | undefined;
  #writing: Promise<unknown> = Promise.resolve();
  #lines = 0;
  /** Appended with the next turn of the disk, all at once. */
  #next: string[] = [];
  #turn: Promise<void> | undefined;
  /** An append failed, and may have left a part of itself. */
  #torn = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** What is still to be remembered. To be called once, before `append`. */
  async open(nowSeconds: number): Promise<Seen[]> {
    let text = '';
    try {
      text = await readFile(this.#path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    const all = text.split('\n').flatMap((line) => parseLine(line) ?? []);
    const kept = all.filter(({ until }) => until > nowSeconds);
    await this.#rewrite(kept);
    return kept;
  }

  append(seen: Seen): Promise<void> {
    // What could not be read back would be forgotten by a restart.
    if (!parseLine(line(seen).trimEnd())) return Promise.reject(new RangeError('a word of another form'));
    this.#next.push(line(seen));
    this.#turn ??= this.#serially(async () => {
      const lines = this.#next;
      this.#next = [];
      this.#turn = undefined;
      if (!this.#file) throw new Error('the log is not open');
      const text = lines.join('');
      try {
        await this.#file.appendFile(this.#torn ? `\n${text}` : text);
        await this.#file.datasync();
      } catch (error) {
        this.#torn = true;
        throw error;
      }
      this.#torn = false;
      this.#lines += lines.length;
    });
    return this.#turn;
  }

  /** Drops what is past its time, when that is worth it. `kept`: all that is still to be remembered. */
  async prune(kept: readonly Seen[]): Promise<void> {
    const past = this.#lines - kept.length;
    if (past < REWRITE_LINES || past < this.#lines / 2) return;
    await this.#serially(() => this.#rewrite(kept));
  }

  async close(): Promise<void> {
    await this.#serially(async () => {
      await this.#file?.close();
      this.#file = undefined;
    });
  }

  async #rewrite(kept: readonly Seen[]): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    await writeFileDurably(this.#path, kept.map(line).join(''), { mode: 0o600 });
    await syncDirectory(dirname(this.#path));
    this.#file = await open(this.#path, 'a', 0o600);
    this.#lines = kept.length;
    this.#torn = false;
  }

  #serially(work: () => Promise<void>): Promise<void> {
    const done = this.#writing.then(work);
    // The next one in the row does not care how this one ended; whoever asked for it does.
    this.#writing = done.catch(() => undefined);
    return done;
  }
}

const line = ({ corrId, nonce, until }: Seen): string => `${corrId} ${nonce} ${until}\n`;

function parseLine(text: string): Seen | undefined {
  const [, corrId, nonce, until] = LINE.exec(text) ?? [];
  return corrId && nonce && until ? { corrId, nonce, until: Number(until) } : undefined;
}
