/** What the sender says there is: directories and links are made, and of files it is found out what is here already. */
import { COPY, type CopyEntry, type CopyFile, type CopyHave, copyEntries } from '../protocol/copy.ts';
import { type CopyConnection, otherwise, readJson } from './connection.ts';
import { type Looked, lookFor, type Patience } from './existing.ts';
import type { Outcomes } from './outcomes.ts';
import { confirmLink, findReplaced, writeLink } from './part-file.ts';
import type { Places } from './places.ts';
import type { CopyWatch } from './problems.ts';
import { readNames, staysInside } from './target.ts';

/** Places that are looked at at once. */
const LOOKING = 16;
/** What is announced and has not come: answers wait above the first; above the second nobody honest gets. */
const PENDING_MOST = 65_536;
const PENDING_REFUSED = 131_072;
/** Directories are remembered to the end, for their modes. */
const DIRECTORIES_MOST = 1_048_576;

type CopyDirectory = CopyEntry & { kind: 'directory' };
type CopyLink = CopyEntry & { kind: 'link' };

export interface Wanted extends Looked {
  readonly entry: CopyFile;
}

export interface AnnouncedParts {
  readonly connection: CopyConnection;
  readonly watch: CopyWatch;
  readonly places: Places;
  readonly outcomes: Outcomes;
  readonly patienceMs?: Patience['patienceMs'];
}

export class Announced {
  readonly #parts: AnnouncedParts;
  readonly #wanted = new Map<number, Wanted>();
  readonly #unfinished: { readonly index: number; readonly entry: CopyDirectory }[] = [];
  #count = 0;
  #answered = 0;
  #last = false;
  #looking: Promise<void> = Promise.resolve();
  readonly #stopping = new AbortController();
  #failure: { readonly error: unknown } | undefined;
  #roomAgain: () => void = () => {};

  constructor(parts: AnnouncedParts) {
    this.#parts = parts;
  }

  /** An ENTRIES frame. Its answer follows when it is found; what fails then is given to whoever receives. */
  take(payload: Buffer): void {
    const { entries, last } = readJson(copyEntries, payload);
    if (this.#last) throw otherwise();
    this.#last = last;
    const first = this.#count;
    this.#count += entries.length;
    if (this.#count - this.#answered + this.#wanted.size > PENDING_REFUSED) throw otherwise();
    for (const { source } of entries) if (source >= this.#parts.places.sources) throw otherwise();
    this.#looking = this.#looking
      .then(() => this.#look(first, entries))
      .then(() => {
        if (last) this.#parts.watch.counted();
      })
      .catch((error: unknown) => {
        this.#failure ??= { error };
        this.#parts.connection.give(error);
      });
  }

  /** What is sent now; it is not wanted again. Errors: SCHEMA_MISMATCH where it was not wanted. */
  expect(index: number): Wanted {
    const wanted = this.#wanted.get(index);
    if (!wanted) throw otherwise();
    this.#wanted.delete(index);
    if (this.#wanted.size <= PENDING_MOST) this.#roomAgain();
    return wanted;
  }

  /** The sender says that it has sent all. Errors: SCHEMA_MISMATCH where that is not so. */
  async complete(): Promise<void> {
    await this.#looking;
    if (this.#failure) throw this.#failure.error;
    if (!this.#last || this.#wanted.size > 0) throw otherwise();
  }

  /** Everything is in the directories. What is in one comes before it: its time is that of the last change in it. */
  async finishDirectories(): Promise<void> {
    const { places, outcomes } = this.#parts;
    for (const { index, entry } of this.#unfinished.reverse())
      try {
        await places.directories.finish(places.of(entry), entry.mode, entry.mtime);
      } catch (error) {
        outcomes.failed(index, entry, error);
      }
  }

  /** Resolves when nothing is being looked at any more. */
  stop(): Promise<void> {
    this.#stopping.abort();
    this.#roomAgain();
    return this.#looking;
  }

  async #look(first: number, entries: readonly CopyEntry[]): Promise<void> {
    const { connection, places, outcomes, watch } = this.#parts;
    const unwanted: number[] = [];
    const have: CopyHave['have'] = [];
    const others: (() => Promise<void>)[] = [];
    const file = async (index: number, entry: CopyFile): Promise<void> => {
      const wanted = await this.#file(index, entry);
      if (!wanted) return void unwanted.push(index);
      this.#wanted.set(index, wanted);
      const { existing } = wanted;
      if (!existing) return;
      have.push({ index, offset: existing.size, hash: existing.state.copy().digest('base64url') });
    };
    for (const [at, entry] of entries.entries()) {
      if (this.#stopping.signal.aborted) return;
      const index = first + at;
      if (entry.kind === 'directory') await this.#directory(index, entry);
      else if (outcomes.isSettled(entry)) unwanted.push(index);
      else {
        watch.found(entry);
        others.push(() => (entry.kind === 'file' ? file(index, entry) : this.#link(index, entry)));
      }
    }
    for (let at = 0; at < others.length && !this.#stopping.signal.aborted; at += LOOKING)
      await Promise.all(others.slice(at, at + LOOKING).map((look) => look()));
    while (this.#wanted.size > PENDING_MOST && !this.#stopping.signal.aborted)
      await new Promise<void>((resolve) => {
        this.#roomAgain = resolve;
      });
    if (this.#stopping.signal.aborted) return;
    this.#answered = first + entries.length;
    await connection.say(COPY.HAVE, { until: this.#answered, unwanted, have, into: places.into });
  }

  async #directory(index: number, entry: CopyDirectory): Promise<void> {
    const { places, outcomes } = this.#parts;
    try {
      if (!(await places.directories.make(places.of(entry)))) return;
      if (this.#unfinished.length >= DIRECTORIES_MOST) throw otherwise();
      this.#unfinished.push({ index, entry });
    } catch (error) {
      outcomes.failed(index, entry, error);
    }
  }

  async #link(index: number, entry: CopyLink): Promise<void> {
    const { places, outcomes } = this.#parts;
    try {
      if (!staysInside(readNames(entry.path), entry.target))
        return outcomes.leftOut(index, entry, 'a symbolic link that leads out of what is copied');
      const there = await places.within(entry, async (directory, name) => {
        if (await confirmLink(directory, name, entry)) return true;
        await findReplaced(directory, name);
        await writeLink(directory, name, entry);
        return false;
      });
      outcomes.done(index, entry, there);
    } catch (error) {
      outcomes.failed(index, entry, error);
    }
  }

  async #file(index: number, entry: CopyFile): Promise<Wanted | undefined> {
    const { places, outcomes, patienceMs } = this.#parts;
    const patience = { patienceMs, signal: this.#stopping.signal };
    try {
      const looked = await places.within(entry, (directory, name) =>
        lookFor(directory, name, entry, patience),
      );
      return { entry, ...looked };
    } catch (error) {
      outcomes.failed(index, entry, error);
      return undefined;
    }
  }
}
