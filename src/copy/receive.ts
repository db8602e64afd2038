/**
 * The receiving side: says what it has, writes what comes, and touches nothing outside of its target, whatever the other
 * side says. What goes wrong with one file is told, and the others go on.
 */
import { hash } from 'node:crypto';
import { COPY, copyBegin, copyGiveUp, copyProblems } from '../protocol/copy.ts';
import { Announced, type Wanted } from './announced.ts';
import { type CopyConnection, type CopyFrame, otherwise, readJson } from './connection.ts';
import { Incoming } from './incoming.ts';
import { Outcomes } from './outcomes.ts';
import { confirmExisting, damaged, writeWhole } from './part-file.ts';
import { Places } from './places.ts';
import type { CopyWatch } from './problems.ts';
import { Slots } from './slots.ts';
import { findTarget, type Target } from './target.ts';

/** Small files that are written at once. */
const WRITING = 8;
const HASH_BYTES = 32;
const INDEX_BYTES = 4;

/** What outlives a connection that broke. */
export interface ReceiveMemory {
  /** Keys of entries that are in their place, or that are settled otherwise; added to. */
  readonly settled: Set<string>;
  target?: Target;
}

export interface ReceiveParts {
  readonly connection: CopyConnection;
  /** On this machine. */
  readonly path: string;
  /** What the sources are called here, where the sender is not asked. */
  readonly names?: readonly string[] | undefined;
  /** Of a directory that is made to hold them. What the process's mask lets through where not given. */
  readonly directoryMode?: number;
  readonly memory: ReceiveMemory;
  readonly watch: CopyWatch;
  /** For another copy to the same place that may only not know yet that it is over; enough where not given. */
  readonly patienceMs?: number | undefined;
}

/** Resolves when everything is in its place or told. Errors: as of the connection; NO_SUCH_PATH, COPY_FAILED. */
export const receiveTree = async ({
  connection,
  path,
  names,
  directoryMode,
  memory,
  watch,
  patienceMs,
}: ReceiveParts): Promise<void> => {
  const frames = connection.receive();
  try {
    const first = await frames.next();
    if (first.done || first.value.kind !== COPY.BEGIN) throw otherwise();
    const begin = readJson(copyBegin, first.value.payload);
    if (names && names.length !== begin.sources.length) throw otherwise();
    const sources = begin.sources.map((source, index) => ({
      ...source,
      name: names?.[index] ?? source.name,
    }));
    memory.target ??= await findTarget(path, { sources, into: begin.into }, directoryMode);
    watch.began();
    const receiving = new Receiving(connection, watch, memory.settled, new Places(memory.target), patienceMs);
    try {
      await receiving.run(frames);
    } finally {
      await receiving.close();
    }
  } finally {
    await frames.return();
  }
};

interface Large {
  readonly index: number;
  readonly wanted: Wanted;
  /** Undefined once it has failed here; the sender may not know yet. */
  incoming: Incoming | undefined;
}

class Receiving {
  readonly #connection: CopyConnection;
  readonly #watch: CopyWatch;
  readonly #places: Places;
  readonly #outcomes: Outcomes;
  readonly #announced: Announced;
  readonly #slots = new Slots(WRITING);
  #large: Large | undefined;

  constructor(
    connection: CopyConnection,
    watch: CopyWatch,
    settled: Set<string>,
    places: Places,
    patienceMs: number | undefined,
  ) {
    this.#connection = connection;
    this.#watch = watch;
    this.#places = places;
    this.#outcomes = new Outcomes({ connection, watch, settled, shown: (entry) => places.shown(entry) });
    this.#announced = new Announced({ connection, watch, places, outcomes: this.#outcomes, patienceMs });
  }

  async run(frames: AsyncGenerator<CopyFrame, void, void>): Promise<void> {
    for (let step = await frames.next(); !step.done; step = await frames.next()) {
      if (step.value.kind === COPY.END) {
        await this.#announced.complete();
        if (this.#large) throw otherwise();
        await this.#slots.idle();
        await this.#announced.finishDirectories();
        await this.#outcomes.flush();
        return await this.#connection.say(COPY.DONE, {});
      }
      await this.#take(step.value);
    }
  }

  /** What has arrived of a large file stays. */
  async close(): Promise<void> {
    this.#outcomes.stop();
    await this.#announced.stop();
    await this.#slots.idle().catch(() => {}); // told by `run`, if that still listened
    await this.#large?.incoming?.close();
    this.#outcomes.stop();
    await this.#places.directories.close();
  }

  async #take({ kind, payload }: CopyFrame): Promise<void> {
    switch (kind) {
      case COPY.ENTRIES:
        return this.#announced.take(payload);
      case COPY.WHOLE:
        return await this.#whole(payload);
      case COPY.START:
        return await this.#start(payload);
      case COPY.CHUNK:
        return await this.#chunk(payload);
      case COPY.FINISH:
        return await this.#finish(payload);
      case COPY.SKIP:
        return await this.#skip(payload);
      case COPY.GIVE_UP:
        return await this.#givenUp(payload);
      case COPY.PROBLEMS:
        for (const problem of readJson(copyProblems, payload).problems) this.#watch.problem(problem);
        return;
      default:
        throw otherwise();
    }
  }

  #expect(payload: Buffer): { readonly index: number; readonly wanted: Wanted } {
    if (payload.length < INDEX_BYTES || this.#large) throw otherwise();
    const index = payload.readUInt32BE(0);
    return { index, wanted: this.#announced.expect(index) };
  }

  async #whole(payload: Buffer): Promise<void> {
    const { index, wanted } = this.#expect(payload);
    const { entry, owner } = wanted;
    const sent = payload.subarray(INDEX_BYTES, INDEX_BYTES + HASH_BYTES);
    const content = payload.subarray(INDEX_BYTES + HASH_BYTES);
    if (sent.length < HASH_BYTES || content.length !== entry.size) throw otherwise();
    this.#watch.moved(content.length);
    const put = async (): Promise<void> => {
      if (!hash('sha256', content, 'buffer').equals(sent)) throw damaged();
      await this.#places.within(entry, (directory, name) =>
        writeWhole(directory, name, content, { ...entry, owner }),
      );
    };
    await this.#slots.run(() => this.#outcomes.of(index, entry, put));
  }

  async #skip(payload: Buffer): Promise<void> {
    const { index, wanted } = this.#expect(payload);
    const { entry, existing, owner } = wanted;
    if (!existing || existing.size !== entry.size) throw otherwise();
    this.#watch.kept(entry.size);
    const confirm = (): Promise<void> =>
      this.#places.within(entry, (directory, name) => confirmExisting(directory, name, existing, entry));
    // All of it had come, but its hash had not.
    const complete = async (): Promise<void> => {
      const incoming = await this.#open(wanted, true);
      await incoming.finish(existing.state.copy().digest(), { ...entry, owner });
    };
    const whole = existing.kind === 'whole';
    await this.#slots.run(() => this.#outcomes.of(index, entry, whole ? confirm : complete, whole));
  }

  async #start(payload: Buffer): Promise<void> {
    const { index, wanted } = this.#expect(payload);
    if (payload.length !== INDEX_BYTES + 8) throw otherwise();
    const offset = Number(payload.readBigUInt64BE(INDEX_BYTES));
    const { existing, entry } = wanted;
    const goesOn = offset > 0;
    if (goesOn && !(existing?.kind === 'part' && existing.size === offset)) throw otherwise();
    this.#watch.kept(offset);
    const large: Large = { index, wanted, incoming: undefined };
    this.#large = large;
    try {
      large.incoming = await this.#open(wanted, goesOn);
    } catch (error) {
      this.#outcomes.failed(index, entry, error);
    }
  }

  async #open({ entry, existing }: Wanted, goesOn: boolean): Promise<Incoming> {
    const { directory, name } = await this.#places.enter(entry);
    try {
      return await Incoming.open(directory, name, goesOn ? existing : undefined);
    } catch (error) {
      directory.release();
      throw error;
    }
  }

  async #chunk(payload: Buffer): Promise<void> {
    const large = this.#large;
    if (!large) throw otherwise();
    const { index, wanted, incoming } = large;
    this.#watch.moved(payload.length);
    if (!incoming) return;
    if (incoming.size + payload.length > wanted.entry.size) throw otherwise();
    try {
      await incoming.append(payload, () => this.#connection.used(payload));
    } catch (error) {
      large.incoming = undefined;
      await incoming.discard();
      this.#outcomes.failed(index, wanted.entry, error);
    }
  }

  async #finish(payload: Buffer): Promise<void> {
    const large = this.#large;
    if (!large) throw otherwise();
    const { index, wanted, incoming } = large;
    const { entry, owner } = wanted;
    if (!incoming) {
      this.#large = undefined;
      return;
    }
    if (payload.length !== HASH_BYTES || incoming.size !== entry.size) throw otherwise();
    this.#large = undefined;
    await this.#outcomes.of(index, entry, () => incoming.finish(payload, { ...entry, owner }));
  }

  async #givenUp(payload: Buffer): Promise<void> {
    const { index, message } = readJson(copyGiveUp, payload);
    const large = this.#large;
    if (!large) return this.#outcomes.givenUp(this.#announced.expect(index).entry, message);
    if (large.index !== index) throw otherwise();
    this.#large = undefined;
    // What failed here is told already.
    if (!large.incoming) return;
    await large.incoming.discard();
    this.#outcomes.givenUp(large.wanted.entry, message);
  }
}
