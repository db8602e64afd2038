/**
 * The file of a recording: a magic number, then sealed chunks (crypto/sealed-chunks.ts) to which one is added at a time.
 * An engine that is killed leaves whole chunks and at most one that is cut off; it is taken away when writing goes on.
 */
import { constants, type FileHandle, open } from 'node:fs/promises';
import {
  CHUNK_HEADER_BYTES,
  ChunkError,
  type ChunkSeal,
  chunkLength,
  openChunk,
  sealChunk,
} from '../../crypto/sealed-chunks.ts';
import { BorealisError } from '../../protocol/errors.ts';
import { type Mark, markOf, packPart } from './part.ts';

const MAGIC = Buffer.from('BOREALR1', 'latin1');
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR } = constants;

/** The disk took no more. */
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

export class RecordingFile {
  readonly #handle: FileHandle;
  readonly #seal: ChunkSeal;
  /** Where the next chunk goes, and its number. */
  #at: number;
  #number: number;

  private constructor(handle: FileHandle, seal: ChunkSeal, at: number, number: number) {
    this.#handle = handle;
    this.#seal = seal;
    this.#at = at;
    this.#number = number;
  }

  /** Errors: DISK_FULL, those of open(2). */
  static async create(path: string, seal: ChunkSeal): Promise<RecordingFile> {
    const handle = await open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    const file = new RecordingFile(handle, seal, 0, 0);
    try {
      await file.#write(MAGIC);
    } catch (error) {
      await handle.close();
      throw error;
    }
    return file;
  }

  /** To go on where a killed engine stopped. Errors: RECORDING_DAMAGED, those of open(2). */
  static async resume(
    path: string,
    seal: ChunkSeal,
  ): Promise<{ file: RecordingFile; last: Mark | undefined }> {
    const handle = await open(path, O_RDWR | O_NOFOLLOW);
    try {
      let last: Mark | undefined;
      let at = MAGIC.length;
      let number = 0;
      for await (const part of readParts(handle, seal)) {
        last = part.mark;
        at = part.end;
        number += 1;
      }
      await handle.truncate(at);
      return { file: new RecordingFile(handle, seal, at, number), last };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** One at a time. What failed may be tried again. Errors: DISK_FULL, those of write(2). */
  async append(mark: Mark, text: Uint8Array): Promise<void> {
    await this.#write(sealChunk(this.#seal, this.#number, await packPart(mark, text)));
    this.#number += 1;
  }

  async #write(bytes: Buffer): Promise<void> {
    try {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, this.#at + done);
        done += bytesWritten;
      }
    } catch (error) {
      // Half a chunk would be taken for a whole one that somebody cut; where it cannot be taken away, resume does.
      await this.#handle.truncate(this.#at).catch(() => {});
      if (FULL.has((error as NodeJS.ErrnoException).code ?? ''))
        throw new BorealisError('DISK_FULL', { detail: 'The recording was not written.', cause: error });
      throw error;
    }
    this.#at += bytes.length;
  }

  /** Resolves when all of it would survive a power cut. */
  async sync(): Promise<void> {
    await this.#handle.datasync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

export interface Part {
  readonly mark: Mark;
  /** Still deflated. */
  readonly packed: Buffer;
  /** Where the next one begins in the file. */
  readonly end: number;
}

/** Opens a recording for reading. Errors: SESSION_NOT_FOUND where the file is gone. */
export const openRecording = async (path: string): Promise<FileHandle> => {
  try {
    return await open(path, O_RDONLY | O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new BorealisError('SESSION_NOT_FOUND', { detail: 'Its recording is gone.', cause: error });
  }
};

/**
 * The parts of a recording in their order, each verified before it is handed out. A chunk that is cut off at the end of
 * the file is none: whoever was told that the recording is complete looks for the part that says so.
 * Errors: RECORDING_DAMAGED.
 */
export async function* readParts(handle: FileHandle, seal: ChunkSeal): AsyncGenerator<Part> {
  try {
    const magic = await read(handle, 0, MAGIC.length);
    if (!magic?.equals(MAGIC)) throw new ChunkError('it does not begin like a recording');
    let last: Mark | undefined;
    for (let at = MAGIC.length, number = 0; ; number++) {
      const header = await read(handle, at, CHUNK_HEADER_BYTES);
      if (last && last.kind !== 'more') {
        if (header || (await read(handle, at, 1))) throw new ChunkError('something follows its end');
        return;
      }
      if (!header) return;
      const sealed = await read(handle, at + CHUNK_HEADER_BYTES, chunkLength(header));
      if (!sealed) return;
      const packed = openChunk(seal, number, sealed);
      const mark = markOf(packed);
      at += CHUNK_HEADER_BYTES + sealed.length;
      last = mark;
      yield { mark, packed, end: at };
    }
  } catch (error) {
    if (!(error instanceof ChunkError)) throw error;
    throw new BorealisError('RECORDING_DAMAGED', { detail: `${sentence(error.message)}`, cause: error });
  }
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

/** Exactly so many bytes, or undefined where the file ends before. */
const read = async (handle: FileHandle, at: number, length: number): Promise<Buffer | undefined> => {
  const buffer = Buffer.allocUnsafe(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(buffer, done, length - done, at + done);
    if (bytesRead === 0) return undefined;
    done += bytesRead;
  }
  return buffer;
};
