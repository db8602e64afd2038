/** Where recordings lie, and under which keys: one file each, `<state>/recordings/<id>.cast`, none of it in the store. */
import { unlinkSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChunkSeal } from '../../crypto/sealed-chunks.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { Clock } from '../../sys/clock.ts';
import type { DiskUsage } from '../../sys/disk.ts';
import { ensurePrivateDirectory } from '../../sys/files.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { type CastHeader, headerLine } from './asciicast.ts';
import { openRecording, type Part, RecordingFile, readParts } from './file.ts';
import { FlushGate } from './flush-gate.ts';
import type { Mark } from './part.ts';
import { Recorder, type RecorderEars } from './recorder.ts';
import { Room } from './room.ts';

export interface RecordingParts {
  /** The engine's. */
  readonly state: string;
  readonly keys: Pick<KeyRing, 'derive'>;
  readonly clock: Clock;
  readonly diskUsage: (path: string) => Promise<DiskUsage>;
  /** Bytes that are left to the engine. */
  readonly reserve?: number;
}

const SUFFIX = '.cast';

export class Recordings {
  readonly #parts: RecordingParts;
  readonly #directory: string;
  readonly #room: Room;
  readonly #gate = new FlushGate();

  constructor(parts: RecordingParts) {
    this.#parts = parts;
    this.#directory = join(parts.state, 'recordings');
    this.#room = new Room(this.#directory, parts.clock, parts.diskUsage, parts.reserve);
  }

  /** Errors: STATE_UNSAFE where others may read the directory. */
  async start(): Promise<void> {
    await ensurePrivateDirectory(this.#directory);
  }

  /** Begins a recording; its first line is on disk. Errors: DISK_FULL, those of open(2). */
  async create(id: string, header: CastHeader, ears: RecorderEars): Promise<Recorder> {
    await this.#room.demand();
    const file = await RecordingFile.create(this.#path(id), this.#seal(id));
    const line = Buffer.from(headerLine(header), 'utf8');
    const mark: Mark = { kind: 'more', offset: 0, elapsedMs: 0, bytes: line.length };
    try {
      await file.append(mark, line);
    } catch (error) {
      await file.close();
      await this.remove(id);
      throw error;
    }
    return this.#recorder(file, header.startedAt, mark, ears);
  }

  /** Goes on with a recording that an earlier engine left. Errors: RECORDING_DAMAGED, those of open(2). */
  async resume(id: string, startedAt: number, ears: RecorderEars): Promise<Recorder> {
    const { file, last } = await RecordingFile.resume(this.#path(id), this.#seal(id));
    if (!last) {
      await file.close();
      throw new BorealisError('RECORDING_DAMAGED', { detail: 'Its beginning is missing.' });
    }
    return this.#recorder(file, startedAt, last, ears);
  }

  #recorder(file: RecordingFile, startedAt: number, last: Mark, ears: RecorderEars): Recorder {
    const { clock } = this.#parts;
    const demandRoom = (): Promise<void> => this.#room.demand();
    return new Recorder({ file, clock, startedAt, last, ears, demandRoom, gate: this.#gate });
  }

  /** The parts of a recording, each verified. Errors: SESSION_NOT_FOUND, RECORDING_DAMAGED. */
  async *parts(id: string): AsyncGenerator<Part> {
    const handle = await openRecording(this.#path(id));
    try {
      yield* readParts(handle, this.#seal(id));
    } finally {
      await handle.close();
    }
  }

  async remove(id: string): Promise<void> {
    await unlink(this.#path(id)).catch(ignoreGone);
  }

  /** For retention, whose transactions wait for nothing but the store. */
  removeNow(id: string): void {
    try {
      unlinkSync(this.#path(id));
    } catch (error) {
      ignoreGone(error);
    }
  }

  #path(id: string): string {
    return join(this.#directory, id + SUFFIX);
  }

  #seal(id: string): ChunkSeal {
    return { key: this.#parts.keys.derive('recording', id), name: id };
  }
}

const ignoreGone = (error: unknown): void => {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
};
