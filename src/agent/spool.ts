/** The journal on disk: one file for each command that is not settled, and a log of those that are. */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type CommandClaims, commandClaims } from '../protocol/command.ts';
import { writeFileDurably } from '../sys/files.ts';
import type { Journal, JournalEntry, LeftOver } from './journal.ts';
import { type Seen, SeenLog } from './seen-log.ts';

/** Settled commands are remembered at least this long, even when they expired before. */
const REMEMBER_SECONDS = 86_400;
const CLOCK_SKEW_SECONDS = 120;
const SUFFIX = '.json';

const spoolFile = z.discriminatedUnion('stage', [
  z.strictObject({ stage: z.enum(['queued', 'started']), at: z.number(), claims: commandClaims }),
  z.strictObject({
    stage: z.literal('finished'),
    at: z.number(),
    corr_id: z.string(),
    nonce: z.string(),
    exp: z.number(),
    envelope: z.string(),
  }),
]);
type SpoolFile = z.infer<typeof spoolFile>;

interface Kept extends JournalEntry {
  /** Milliseconds since 1970; orders what is resent. */
  readonly at: number;
  readonly claims?: CommandClaims;
  /** Only where the disk did not take the result. */
  readonly envelope?: string;
}

export interface SpoolOptions {
  readonly directory: string;
  readonly seenPath: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** A file that nobody could have written was found; it is left out. */
  readonly onDamaged: (path: string) => void;
}

export class Spool implements Journal {
  readonly #options: SpoolOptions;
  readonly #entries = new Map<string, Kept>();
  readonly #settled = new Map<string, Seen>();
  readonly #nonces = new Set<string>();
  readonly #log: SeenLog;

  constructor(options: SpoolOptions) {
    this.#options = options;
    this.#log = new SeenLog(options.seenPath);
  }

  /** Reads all back. Resolves to the commands that were queued or running when the last process ended. */
  async open(): Promise<LeftOver[]> {
    for (const seen of await this.#log.open(this.#seconds())) {
      this.#settled.set(seen.corrId, seen);
      this.#nonces.add(seen.nonce);
    }
    for (const name of await readdir(this.#options.directory)) await this.#read(name);
    const kept = [...this.#entries.values()].sort((a, b) => a.at - b.at);
    return kept.flatMap(({ stage, claims }) =>
      claims && (stage === 'queued' || stage === 'started') ? [{ stage, claims }] : [],
    );
  }

  async close(): Promise<void> {
    await this.#log.close();
  }

  get unsettled(): number {
    return this.#entries.size;
  }

  find(corrId: string): JournalEntry | undefined {
    const settled = this.#settled.get(corrId);
    if (!settled) return this.#entries.get(corrId);
    return { corrId, nonce: settled.nonce, exp: settled.until, stage: 'settled' };
  }

  hasNonce(nonce: string): boolean {
    return this.#nonces.has(nonce);
  }

  finishedOnes(): readonly string[] {
    return [...this.#entries.values()]
      .filter(({ stage }) => stage === 'finished')
      .sort((a, b) => a.at - b.at)
      .map(({ corrId }) => corrId);
  }

  async add(claims: CommandClaims, stage: 'queued' | 'started'): Promise<void> {
    const { corr_id: corrId, nonce, exp } = claims;
    const entry: Kept = { corrId, nonce, exp, stage, at: this.#options.now(), claims };
    // Known from this moment, not from when the disk has it: the same command may come again in between.
    this.#entries.set(corrId, entry);
    this.#nonces.add(nonce);
    try {
      await this.#write(corrId, { stage, at: entry.at, claims });
    } catch (error) {
      this.#entries.delete(corrId);
      this.#nonces.delete(nonce);
      throw error;
    }
  }

  async started(corrId: string): Promise<void> {
    const entry = this.#entries.get(corrId);
    if (!entry?.claims) throw new RangeError(`${corrId} is not queued`);
    await this.#write(corrId, { stage: 'started', at: entry.at, claims: entry.claims });
    this.#entries.set(corrId, { ...entry, stage: 'started' });
  }

  async finished(corrId: string, envelope: string): Promise<boolean> {
    const entry = this.#entries.get(corrId);
    if (!entry) throw new RangeError(`${corrId} is not in the spool`);
    const { nonce, exp } = entry;
    const done = { corrId, nonce, exp, stage: 'finished' as const, at: this.#options.now() };
    try {
      await this.#write(corrId, { stage: 'finished', at: done.at, corr_id: corrId, nonce, exp, envelope });
      this.#entries.set(corrId, done);
      return true;
    } catch {
      // A full disk must not cost the result: memory keeps it, and the caller says so.
      this.#entries.set(corrId, { ...done, envelope });
      return false;
    }
  }

  async result(corrId: string): Promise<string> {
    const entry = this.#entries.get(corrId);
    if (entry?.stage !== 'finished') throw new RangeError(`${corrId} has no result`);
    if (entry.envelope !== undefined) return entry.envelope;
    const stored = spoolFile.parse(JSON.parse(await readFile(this.#path(corrId), 'utf8')));
    if (stored.stage !== 'finished') throw new RangeError(`${corrId} has no result`);
    return stored.envelope;
  }

  async settled(corrId: string): Promise<void> {
    const entry = this.#entries.get(corrId);
    if (entry?.stage !== 'finished') return;
    await this.#remember(entry);
    this.#entries.delete(corrId);
    await rm(this.#path(corrId), { force: true });
  }

  async remember({ corr_id: corrId, nonce, exp }: CommandClaims): Promise<void> {
    this.#nonces.add(nonce);
    await this.#remember({ corrId, nonce, exp });
  }

  async #remember({ corrId, nonce, exp }: { corrId: string; nonce: string; exp: number }): Promise<void> {
    const until = Math.max(exp + CLOCK_SKEW_SECONDS, this.#seconds() + REMEMBER_SECONDS);
    const seen: Seen = { corrId, nonce, until };
    this.#settled.set(corrId, seen);
    await this.#log.append(seen);
    this.#forgetOld();
    await this.#log.prune([...this.#settled.values()]);
  }

  /** The map is in the order of settling, which is nearly that of forgetting: the oldest few are looked at each time. */
  #forgetOld(): void {
    const now = this.#seconds();
    let looked = 0;
    for (const [corrId, { nonce, until }] of this.#settled) {
      if (looked++ >= 4) break;
      if (until > now) continue;
      this.#settled.delete(corrId);
      this.#nonces.delete(nonce);
    }
  }

  async #read(name: string): Promise<void> {
    const path = join(this.#options.directory, name);
    // What a crash left of a file that never got its name: it may be whole, and still counts for nothing.
    if (name.startsWith('.')) return rm(path, { force: true });
    const stored = parse(await readFile(path, 'utf8'));
    if (!stored) return this.#options.onDamaged(path);
    const { corr_id: corrId, nonce, exp } = stored.stage === 'finished' ? stored : stored.claims;
    if (path !== this.#path(corrId)) return this.#options.onDamaged(path);
    if (this.#settled.has(corrId)) return rm(path, { force: true }); // ended between the log's line and the removal
    const { stage, at } = stored;
    const claims = stored.stage === 'finished' ? {} : { claims: stored.claims };
    this.#entries.set(corrId, { corrId, nonce, exp, stage, at, ...claims });
    this.#nonces.add(nonce);
  }

  async #write(corrId: string, content: SpoolFile): Promise<void> {
    await writeFileDurably(this.#path(corrId), JSON.stringify(content), { mode: 0o600 });
  }

  #path = (corrId: string): string => join(this.#options.directory, `${corrId}${SUFFIX}`);
  #seconds = (): number => Math.floor(this.#options.now() / 1_000);
}

function parse(text: string): SpoolFile | undefined {
  try {
    return spoolFile.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // not JSON: the caller says which file
  }
}
