/**
 * What is inside a backup, before sealing: one line of JSON (the manifest), then the bytes of its files one after the
 * other. Sealing, and with it every check against damage on the way, is crypto/passphrase-box.ts; the hashes here catch
 * what was already wrong when the backup was made.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { z } from 'zod';
import { BorealisError } from '../../protocol/errors.ts';
import { timestamp } from '../../protocol/scalars.ts';

export const STORE_FILE = 'borealis.db';
export const MASTER_KEY_FILE = 'master.key';
export const CONFIG_FILE = 'borealisd.toml';

const file = z.strictObject({
  name: z.enum([STORE_FILE, MASTER_KEY_FILE, CONFIG_FILE]),
  size: z.number().int().min(0),
  sha256: z.string(),
});
export const manifest = z.strictObject({
  format: z.literal('borealis-backup-1'),
  created_at: timestamp,
  engine_version: z.string(),
  schema_version: z.number().int(),
  devices: z.number().int(),
  ca_pin: z.string(),
  // Each once; without the key nobody opens the store.
  files: z
    .array(file)
    .refine((files) => new Set(files.map(({ name }) => name)).size === files.length)
    .refine((files) => [STORE_FILE, MASTER_KEY_FILE].every((name) => files.some((one) => one.name === name))),
});
export type Manifest = z.infer<typeof manifest>;
const MANIFEST_LIMIT = 65_536;

/** SHA-256, hex, of a file. */
export const hashFile = async (path: string): Promise<{ size: number; sha256: string }> => {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk as Buffer);
    size += (chunk as Buffer).length;
  }
  return { size, sha256: hash.digest('hex') };
};

/** The archive as bytes. `paths` names the place of each file of the manifest. */
export async function* packArchive(
  contents: Manifest,
  paths: ReadonlyMap<string, string>,
): AsyncGenerator<Buffer> {
  yield Buffer.from(`${JSON.stringify(contents)}\n`);
  for (const { name } of contents.files) yield* createReadStream(paths.get(name)!) as AsyncIterable<Buffer>;
}

/**
 * Writes the files of an archive below `directory` (made, 0700) and returns the manifest once all hashes hold.
 * Errors: BACKUP_UNREADABLE. What was written is the caller's to remove.
 */
export const unpackArchive = async (source: Readable, directory: string): Promise<Manifest> => {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const reader = new ByteReader(source);
  const contents = readManifest(await reader.line(MANIFEST_LIMIT));
  for (const { name, size, sha256 } of contents.files) {
    const target = createWriteStream(join(directory, name), { mode: 0o600, flags: 'wx', flush: true });
    const hash = createHash('sha256');
    for await (const chunk of reader.bytes(size)) {
      hash.update(chunk);
      if (!target.write(chunk)) await once(target, 'drain');
    }
    target.end();
    await finished(target);
    if (hash.digest('hex') !== sha256) throw unreadable(`${name} is damaged.`);
  }
  await reader.end();
  return contents;
};

const readManifest = (line: string): Manifest => {
  try {
    return manifest.parse(JSON.parse(line));
  } catch (cause) {
    throw new BorealisError('BACKUP_UNREADABLE', { detail: 'Its table of contents cannot be read.', cause });
  }
};

const unreadable = (detail: string): BorealisError => new BorealisError('BACKUP_UNREADABLE', { detail });

class ByteReader {
  readonly #source: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: Readable) {
    this.#source = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  async #more(): Promise<Buffer | null> {
    if (this.#rest.length > 0) {
      const rest = this.#rest;
      this.#rest = Buffer.alloc(0);
      return rest;
    }
    const { done, value } = await this.#source.next();
    return done ? null : value;
  }

  async line(limit: number): Promise<string> {
    let text: Buffer = Buffer.alloc(0);
    for (;;) {
      const chunk = await this.#more();
      if (!chunk) throw unreadable('It ends too early.');
      const end = chunk.indexOf(0x0a);
      text = Buffer.concat([text, end < 0 ? chunk : chunk.subarray(0, end)]);
      if (text.length > limit) throw unreadable('Its table of contents is too long.');
      if (end < 0) continue;
      this.#rest = chunk.subarray(end + 1);
      return text.toString('utf8');
    }
  }

  async *bytes(count: number): AsyncGenerator<Buffer> {
    let left = count;
    while (left > 0) {
      const chunk = await this.#more();
      if (!chunk) throw unreadable('It ends too early.');
      const part = chunk.subarray(0, left);
      this.#rest = chunk.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }

  async end(): Promise<void> {
    for (let chunk = await this.#more(); chunk; chunk = await this.#more()) {
      if (chunk.length > 0) throw unreadable('There is more in it than it says.');
    }
  }
}
