/**
 * Records one shell while it runs. What is handed in is in the file a quarter of a second later, or after 64 KiB; only
 * then `stored` says how much of the output is safe, so that the agent may forget it. Where the disk takes nothing, what
 * came so far is kept and tried again, `stuck` tells it, and whoever feeds it must stop: no shell goes on unrecorded.
 */
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as rest } from 'node:timers/promises';
import { BorealisError } from '../../protocol/errors.ts';
import type { Clock } from '../../sys/clock.ts';
import { type CastCode, eventLine, unfinishedTail } from './asciicast.ts';
import type { RecordingFile } from './file.ts';
import type { FlushGate } from './flush-gate.ts';
import type { Mark, PartKind } from './part.ts';

export const FLUSH_MS = 250;
const FLUSH_BYTES = 65_536;
/** Waiting text above which nothing more is to be handed in: an agent that ignores its window fills no memory. */
const HIGH_WATER = 1_048_576;
const LINES_BYTES = 8_192;
/** Output that comes within this time is one event; nobody sees the difference. */
const TOGETHER_MS = 8;
const RETRY_MS = 1_000;

export interface RecorderEars {
  /** All output before `offset` is in the file; told after each write. */
  stored(offset: number): void;
  /** Again and again while it lasts; null once it is over. */
  stuck(error: BorealisError | null): void;
}

export interface RecorderParts {
  readonly file: Pick<RecordingFile, 'append' | 'sync' | 'close'>;
  readonly clock: Clock;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** What is in the file already: its first line, or what an earlier engine wrote. */
  readonly last: Mark;
  readonly ears: RecorderEars;
  /** Throws DISK_FULL where so little room is left that the engine needs it itself. */
  readonly demandRoom: () => Promise<void>;
  /** Shared by all recordings of an engine. */
  readonly gate: FlushGate;
  readonly retryMs?: number;
}

export class Recorder {
  readonly #parts: RecorderParts;
  /** Text of whole events, and its bytes. */
  #lines: string[] = [];
  #waiting = 0;
  /** Output that is no event yet, and when it came; its bytes together. */
  #output: { readonly at: number; readonly bytes: Buffer }[] = [];
  #unlined = 0;
  /** Bytes at its end that are a sequence which is not whole yet. */
  #held = 0;
  #offset: number;
  #bytes: number;
  /** Milliseconds since the recording began, at `#from` of the monotonic clock. */
  readonly #elapsedBefore: number;
  readonly #from: number;
  #elapsed: number;
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;
  #stuck: BorealisError | null = null;
  #closing = false;
  /** What the last part says, once it is written. */
  #ended: PartKind;
  /** Ends the rest before another try. */
  readonly #wake = Promise.withResolvers<void>();
  readonly #typed = new StringDecoder('utf8');

  constructor(parts: RecorderParts) {
    const { clock, startedAt, last } = parts;
    this.#parts = parts;
    this.#ended = last.kind;
    this.#offset = last.offset;
    this.#bytes = last.bytes;
    this.#elapsedBefore = Math.max(last.elapsedMs, clock.now() - startedAt);
    this.#elapsed = this.#elapsedBefore;
    this.#from = clock.monotonic();
  }

  /** Bytes of output that were handed in. */
  get offset(): number {
    return this.#offset;
  }

  /** Bytes of asciicast, and milliseconds, that are in the file or on their way. */
  get bytes(): number {
    return this.#bytes + this.#waiting;
  }

  get elapsedMs(): number {
    return this.#elapsed;
  }

  /** How the recording ended; `more` before that. */
  get ending(): PartKind {
    return this.#ended;
  }

  /** True while nothing is to be handed in. */
  get full(): boolean {
    return this.#stuck !== null || this.#waiting > HIGH_WATER;
  }

  /** Output that follows what came before. */
  output(bytes: Buffer): void {
    // What is little becomes lines when it is written: it may be an echo, for which somebody waits.
    if (this.#unlined >= LINES_BYTES) this.#closeOutput();
    this.#output.push({ at: this.#now(), bytes });
    this.#unlined += bytes.length;
    this.#offset += bytes.length;
    this.#waiting += bytes.length;
    this.#soon();
  }

  /** `lost` bytes of output are nobody's any more. */
  skip(lost: number): void {
    this.#event('m', `${lost} bytes of output were lost while the engine could not be reached`);
    this.#offset += lost;
  }

  /** Something to see that is not output of the shell: the screen after a gap. */
  shown(text: string): void {
    this.#event('o', text);
  }

  typed(bytes: Buffer): void {
    const text = this.#typed.write(bytes);
    if (text !== '') this.#event('i', text);
  }

  resized(cols: number, rows: number): void {
    this.#event('r', `${cols}x${rows}`);
  }

  /** Resolves when everything up to now is in the file; it waits until the disk takes it. Fails never. */
  async flush(): Promise<void> {
    while (!this.#closing && (this.#flushing || this.#waiting > this.#held)) await this.#flush('more');
  }

  /** The last part, durable; then the file is closed. Waits until the disk takes it. False where it was closed before. */
  async finish(kind: Exclude<PartKind, 'more'>): Promise<boolean> {
    await this.flush();
    if (this.#closing) return false;
    // An earlier engine wrote it, and was killed before anybody knew.
    if (this.#ended === 'more') await this.#flush(kind);
    const done = !this.#closing || this.#stuck === null;
    await this.close();
    return done;
  }

  /** Leaves the recording as it is, to be resumed. What waits is tried once more. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    this.#wake.resolve();
    await this.#flushing;
    if (!this.#stuck && this.#ended === 'more' && this.#waiting > this.#held) await this.#flush('more');
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#parts.file.close();
  }

  #event(code: CastCode, data: string): void {
    this.#closeOutput();
    this.#add(eventLine(this.#now(), code, data));
    this.#soon();
  }

  #closeOutput(last = false): void {
    const pieces = this.#output;
    let tail: Buffer | undefined;
    let since = 0;
    for (let next = 0; next < pieces.length; ) {
      const parts = tail ? [tail] : [];
      if (!tail) since = pieces[next]!.at;
      do parts.push(pieces[next++]!.bytes);
      while (next < pieces.length && pieces[next]!.at - since <= TOGETHER_MS);
      const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
      const held = last && next === pieces.length ? 0 : unfinishedTail(bytes);
      const whole = bytes.subarray(0, bytes.length - held);
      this.#waiting -= whole.length;
      if (whole.length > 0) this.#add(eventLine(since, 'o', whole.toString('utf8')));
      tail = held > 0 ? Buffer.from(bytes.subarray(whole.length)) : undefined;
    }
    this.#held = tail?.length ?? 0;
    this.#unlined = this.#held;
    this.#output = tail ? [{ at: since, bytes: tail }] : [];
  }

  #add(line: string): void {
    this.#lines.push(line);
    this.#waiting += Buffer.byteLength(line);
  }

  /** Never goes back, whatever becomes of the clocks. */
  #now(): number {
    const { clock } = this.#parts;
    const elapsed = this.#elapsedBefore + Math.round(clock.monotonic() - this.#from);
    this.#elapsed = Math.max(this.#elapsed, elapsed);
    return this.#elapsed;
  }

  #soon(): void {
    if (this.#closing || this.#flushing) return;
    if (this.#waiting >= FLUSH_BYTES) void this.#flush('more');
    else this.#timer ??= setTimeout(() => void this.#flush('more'), FLUSH_MS);
  }

  /** One part at a time; what comes meanwhile goes into the next. */
  #flush(kind: PartKind): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#flushing ??= this.#write(kind).finally(() => {
      this.#flushing = undefined;
      if (kind === 'more' && this.#waiting > this.#held) this.#soon();
    });
    return this.#flushing;
  }

  async #write(kind: PartKind): Promise<void> {
    const leave = await this.#parts.gate.enter();
    this.#closeOutput(kind !== 'more');
    const text = Buffer.from(this.#lines.join(''), 'utf8');
    this.#lines = [];
    const offset = this.#offset - this.#held;
    const mark: Mark = { kind, offset, elapsedMs: this.#elapsed, bytes: this.#bytes + text.length };
    if (!(await this.#append(mark, text, leave))) return;
    this.#ended = kind;
    this.#waiting -= text.length;
    this.#bytes = mark.bytes;
    this.#parts.ears.stored(offset);
  }

  /** False where it was given up because the engine ends. */
  async #append(mark: Mark, text: Buffer, leaveFirst: () => void): Promise<boolean> {
    const { ears, gate, retryMs = RETRY_MS } = this.#parts;
    for (let leave = leaveFirst; ; leave = await gate.enter()) {
      try {
        await this.#appendOnce(mark, text);
        if (this.#stuck) {
          this.#stuck = null;
          ears.stuck(null);
        }
        return true;
      } catch (error) {
        this.#stuck = asStuck(error);
      } finally {
        leave();
      }
      if (this.#closing) return false;
      ears.stuck(this.#stuck);
      await Promise.race([rest(retryMs, undefined, { ref: false }), this.#wake.promise]);
    }
  }

  async #appendOnce(mark: Mark, text: Buffer): Promise<void> {
    const { file, demandRoom } = this.#parts;
    await demandRoom();
    await file.append(mark, text);
    if (mark.kind !== 'more') await file.sync();
  }
}

const asStuck = (error: unknown): BorealisError =>
  error instanceof BorealisError ? error : new BorealisError('RECORDING_FAILED', { cause: error });
