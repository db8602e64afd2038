/** The sending side: tells what there is, hears what is wanted, and reads each file once. */
import { createHash, hash } from 'node:crypto';
import {
  COPY,
  COPY_VERSION,
  COPY_WHOLE_MAX,
  type CopyEntry,
  type CopyFile,
  type CopyHave,
  copyHave,
  copyResults,
} from '../protocol/copy.ts';
import { BorealisError } from '../protocol/errors.ts';
import { type CopyConnection, CopyInterrupted, otherwise, readJson } from './connection.ts';
import { close, readAt, stat } from './files.ts';
import { keyOf } from './outcomes.ts';
import { type CopyWatch, FileProblem, isOfOneFile, sentenceOf } from './problems.ts';
import { prefixEquals, sendLarge } from './send-large.ts';
import { type Source, SourceTree } from './source.ts';
import { walk } from './walk.ts';

/** Entries that may wait for the receiver's answer. */
const AHEAD = 4_096;
/** Small files that are read ahead. */
const READ_AHEAD = 16;
/** However long the names are, so many fit into a frame. */
const PROBLEMS_AT_ONCE = 32;

export interface SendParts {
  readonly connection: CopyConnection;
  readonly sources: readonly Source[];
  readonly watch: CopyWatch;
  readonly memory: SendMemory;
}

/** What outlives a connection that broke. */
export interface SendMemory {
  /** Keys of entries that are in their place, or that are settled otherwise; added to. */
  readonly settled: Set<string>;
  /** Where the receiver put them: into the destination, or as it. Null before it has said so. */
  into: boolean | null;
}

/** Resolves when the receiver has everything, or has said what it has not. Errors: as of the connection; NO_SUCH_PATH. */
export const sendTree = (parts: SendParts): Promise<void> => new Sending(parts).run();

class Sending {
  readonly #parts: SendParts;
  readonly #trees: readonly SourceTree[];
  readonly #entries: (CopyEntry | undefined)[] = [];
  readonly #answers: CopyHave[] = [];
  /** Indices that are no use any more. */
  readonly #lost = new Set<number>();
  /** Of which the receiver had everything. */
  readonly #skipped = new Set<number>();
  /** That it will not have; why, it has said to whoever watches it. */
  readonly #unwanted = new Set<number>();
  #answered = 0;
  #walked = false;
  #ended = false;
  #over: { readonly error?: unknown } | undefined;
  #waiting: (() => void)[] = [];

  constructor(parts: SendParts) {
    this.#parts = parts;
    this.#trees = parts.sources.map((source) => new SourceTree(source));
  }

  async run(): Promise<void> {
    const { connection, sources, memory, watch } = this.#parts;
    watch.began();
    await connection.say(COPY.BEGIN, {
      version: COPY_VERSION,
      sources: sources.map(({ name, directory }) => ({ name, directory })),
      into: memory.into,
    });
    const walking = this.#walk().catch((error: unknown) => this.#failed(error));
    const sending = this.#send().catch((error: unknown) => this.#failed(error));
    await this.#listen();
    const closed = Promise.all([walking, sending])
      .then(() => Promise.all(this.#trees.map((tree) => tree.close())))
      .then(() => {});
    if (this.#over?.error === undefined) return await closed;
    // They end when the socket does, which may be after its last words.
    closed.catch(() => {});
    throw this.#over.error;
  }

  async #send(): Promise<void> {
    for await (const act of this.#wanted()) await act();
    this.#ended = true;
    await this.#parts.connection.say(COPY.END, {});
  }

  /** What the other side said last explains it better than that it hung up. */
  #failed(error: unknown): void {
    if (!(error instanceof CopyInterrupted)) this.#parts.connection.give(error);
    this.#wake();
  }

  async #walk(): Promise<void> {
    const { connection, sources, watch, memory } = this.#parts;
    for (const [number, source] of sources.entries()) {
      const shown = (path: string): string => this.#shown({ source: number, path });
      const first = await stat(source.path).catch((cause: unknown) => {
        throw new BorealisError('NO_SUCH_PATH', { detail: `${source.path}: ${sentenceOf(cause)}.`, cause });
      });
      for await (const { entries: found, problems } of walk(
        { tree: this.#trees[number]!, number, shown },
        first,
      )) {
        const entries = found.filter(
          (entry) => entry.kind === 'directory' || !memory.settled.has(keyOf(entry)),
        );
        for (const entry of entries) {
          this.#entries.push(entry);
          watch.found(entry);
        }
        for (const problem of problems) watch.problem(problem);
        for (let at = 0; at < problems.length; at += PROBLEMS_AT_ONCE)
          await connection.say(COPY.PROBLEMS, { problems: problems.slice(at, at + PROBLEMS_AT_ONCE) });
        await connection.say(COPY.ENTRIES, { entries, last: false });
        while (this.#entries.length - this.#answered > AHEAD && !this.#over) await this.#change();
        if (this.#over) return;
      }
    }
    this.#walked = true;
    watch.counted();
    await connection.say(COPY.ENTRIES, { entries: [], last: true });
    this.#wake();
  }

  async #listen(): Promise<void> {
    try {
      for await (const { kind, payload } of this.#parts.connection.receive()) {
        if (kind === COPY.HAVE) {
          const answer = readJson(copyHave, payload);
          if (answer.until < this.#answered || answer.until > this.#entries.length) throw otherwise();
          this.#parts.memory.into = answer.into;
          this.#answers.push(answer);
          this.#answered = answer.until;
          this.#wake();
        } else if (kind === COPY.RESULTS) this.#results(payload);
        else if (kind === COPY.DONE) return this.#done();
        else throw otherwise();
      }
    } catch (error) {
      this.#end({ error });
    }
  }

  /** Errors: SCHEMA_MISMATCH where it was not told of everything, or has not told of it. */
  #done(): void {
    const { settled } = this.#parts.memory;
    for (const [index, entry] of this.#entries.entries())
      if (entry && entry.kind !== 'directory' && !settled.has(keyOf(entry)) && !this.#unwanted.has(index))
        throw otherwise();
    if (!this.#ended) throw otherwise();
    this.#end({});
  }

  #results(payload: Buffer): void {
    const { watch, memory } = this.#parts;
    const { done, failed } = readJson(copyResults, payload);
    for (const index of done) {
      const entry = this.#entries[index];
      if (!entry) throw otherwise();
      memory.settled.add(keyOf(entry));
      watch.done(entry, this.#skipped.has(index));
      this.#entries[index] = undefined;
    }
    for (const { index, message, left_out } of failed) {
      const entry = this.#entries[index];
      if (!entry) throw otherwise();
      this.#lost.add(index);
      memory.settled.add(keyOf(entry));
      watch.problem({ path: this.#shown(entry), message, left_out });
    }
  }

  /** What there is to do about each file, in order; reading of the next small ones has begun when one is handed out. */
  async *#wanted(): AsyncGenerator<() => Promise<void>> {
    const queue: (() => Promise<void>)[] = [];
    for (let from = 0; ; ) {
      const answer = this.#answers.shift();
      if (!answer) {
        yield* queue.splice(0);
        if (this.#over) return;
        if (this.#answers.length > 0) continue;
        if (this.#walked && this.#answered === this.#entries.length) return;
        await this.#change();
        continue;
      }
      for (const index of answer.unwanted) this.#unwanted.add(index);
      const have = new Map(answer.have.map((one) => [one.index, one]));
      for (; from < answer.until; from += 1) {
        const entry = this.#entries[from];
        if (entry?.kind !== 'file' || this.#unwanted.has(from)) continue;
        queue.push(this.#prepare(from, entry, have.get(from)));
        if (queue.length >= READ_AHEAD) yield queue.shift()!;
      }
    }
  }

  #prepare(index: number, entry: CopyFile, has: CopyHave['have'][number] | undefined): () => Promise<void> {
    if (has || entry.size > COPY_WHOLE_MAX) return () => this.#large(index, entry, has);
    const content = this.#read(entry);
    content.catch(() => {}); // met when it is its turn
    return () => this.#whole(index, entry, content);
  }

  async #whole(index: number, entry: CopyFile, reading: Promise<Buffer>): Promise<void> {
    const { connection, watch } = this.#parts;
    let content: Buffer;
    try {
      content = await reading;
    } catch (error) {
      return this.#giveUp(index, entry, error);
    }
    const head = Buffer.allocUnsafe(36);
    head.writeUInt32BE(index, 0);
    head.set(hash('sha256', content, 'buffer'), 4);
    await connection.send(COPY.WHOLE, head, content);
    watch.moved(content.length);
  }

  /** Also what the receiver has already, whatever its size. */
  async #large(index: number, entry: CopyFile, has: CopyHave['have'][number] | undefined): Promise<void> {
    const { connection, watch } = this.#parts;
    const { size } = entry;
    let fd: number | undefined;
    try {
      fd = await this.#trees[entry.source]!.open(entry.path);
      const state = has && has.offset <= size ? await prefixEquals(fd, has) : undefined;
      const offset = state ? has!.offset : 0;
      if (state && offset === size) {
        watch.kept(size);
        this.#skipped.add(index);
        const head = Buffer.allocUnsafe(4);
        head.writeUInt32BE(index, 0);
        return await connection.send(COPY.SKIP, head);
      }
      if (size <= COPY_WHOLE_MAX) return await this.#whole(index, entry, this.#read(entry));
      watch.kept(offset);
      await sendLarge({
        connection,
        fd,
        index,
        size,
        offset,
        state: state ?? createHash('sha256'),
        moved: (bytes) => watch.moved(bytes),
        lost: () => this.#lost.has(index),
      });
    } catch (error) {
      await this.#giveUp(index, entry, error);
    } finally {
      if (fd !== undefined) await close(fd);
    }
  }

  async #read({ source, path, size }: CopyFile): Promise<Buffer> {
    const fd = await this.#trees[source]!.open(path);
    try {
      const content = Buffer.allocUnsafe(size);
      if ((await readAt(fd, content, 0)) < size)
        throw new FileProblem('it became shorter while it was copied');
      // Files of the kernel (/proc) say that they are empty, and are not.
      if (size === 0 && (await readAt(fd, Buffer.alloc(1), 0)) > 0)
        throw new FileProblem('it holds more than its size says');
      return content;
    } finally {
      await close(fd);
    }
  }

  /** Rethrows what is not that file's alone. */
  async #giveUp(index: number, entry: CopyFile, error: unknown): Promise<void> {
    if (!isOfOneFile(error) || this.#over) throw error;
    const message = sentenceOf(error);
    // What the receiver does not take, it has said itself.
    if (!this.#lost.has(index))
      this.#parts.watch.problem({ path: this.#shown(entry), message, left_out: false });
    this.#parts.memory.settled.add(keyOf(entry));
    await this.#parts.connection.say(COPY.GIVE_UP, { index, message });
  }

  #shown({ source, path }: Pick<CopyEntry, 'source' | 'path'>): string {
    const { name, path: root } = this.#parts.sources[source]!;
    return [name || root, path].filter((part) => part !== '').join('/');
  }

  #end(over: { readonly error?: unknown }): void {
    this.#over ??= over;
    this.#wake();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
