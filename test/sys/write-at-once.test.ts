import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeAtOnce } from '../../src/sys/write-at-once.ts';

let directory: string;
let path: string;
let server: Server;
let here: Socket;
let there: Socket;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'borealis-write-'));
  path = join(directory, 'socket');
  server = createServer().listen(path);
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  here = connect(path);
  [there] = (await accepted) as [Socket];
  await once(here, 'connect');
});

afterEach(() => {
  here.destroy();
  there.destroy();
  server.close();
  rmSync(directory, { recursive: true });
});

/** Reads until so many bytes have come. */
const read = async (from: Socket, bytes: number): Promise<Buffer> => {
  const pieces: Buffer[] = [];
  let count = 0;
  for await (const piece of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    pieces.push(piece);
    count += piece.length;
    if (count >= bytes) break;
  }
  return Buffer.concat(pieces);
};

describe('a key', () => {
  test('goes past the stream', async () => {
    expect(writeAtOnce(here, Buffer.from('k'))).toBe(true);
    // The stream counts what passes through it.
    expect(here.bytesWritten).toBe(0);
    expect((await read(there, 1)).toString()).toBe('k');
  });

  test('waits for the connection', async () => {
    const early = connect(path);
    const accepted = once(server, 'connection');
    writeAtOnce(early, Buffer.from('early'));
    const [late] = (await accepted) as [Socket];
    expect((await read(late, 5)).toString()).toBe('early');
    early.destroy();
    late.destroy();
  });

  test('stays behind what waits in the stream, and all of it in order', async () => {
    const sent: Buffer[] = [];
    let asked = 0;
    // Until the kernel takes no more, and some beyond that; sizes that leave it in the middle of one.
    for (let next = 0; asked < 50; next++) {
      const bytes = Buffer.alloc(1 + ((next * 37) % 1_000), next % 251);
      sent.push(bytes);
      if (!writeAtOnce(here, bytes) || here.writableLength > 0) asked += 1;
    }
    expect(here.writableLength).toBeGreaterThan(0);
    const all = Buffer.concat(sent);
    expect((await read(there, all.length)).equals(all)).toBe(true);
    if (here.writableLength > 0) await once(here, 'drain');
    writeAtOnce(here, Buffer.from('last'));
    expect((await read(there, 4)).toString()).toBe('last');
  });

  test('for nobody is told as the stream tells it', async () => {
    there.destroy();
    await once(there, 'close');
    const failed = once(here, 'error');
    // Its end has not been heard of here yet.
    expect(() => writeAtOnce(here, Buffer.from('k'))).not.toThrow();
    const [error] = (await failed) as [NodeJS.ErrnoException];
    expect(error.code).toBe('EPIPE');
  });
});
