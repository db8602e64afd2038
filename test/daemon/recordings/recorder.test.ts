import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseEvent, unfinishedTail } from '../../../src/daemon/recordings/asciicast.ts';
import type { RecordingFile } from '../../../src/daemon/recordings/file.ts';
import { FlushGate } from '../../../src/daemon/recordings/flush-gate.ts';
import { castOf, verifyRecording } from '../../../src/daemon/recordings/read.ts';
import { Recorder, type RecorderEars } from '../../../src/daemon/recordings/recorder.ts';
import { Recordings } from '../../../src/daemon/recordings/recordings.ts';
import { BorealisError } from '../../../src/protocol/errors.ts';
import { TurningClock, until } from '../agents.ts';

const ID = 'abcdefghijkl';
const OTHER = 'mnopqrstuvwx';
const plenty = async () => ({ total: 1e12, free: 1e12, percent_free: 100 });
const keys = { derive: (purpose: string, value: string) => Buffer.alloc(32, `${purpose}${value}`) };
const deaf: RecorderEars = { stored: () => {}, stuck: () => {} };

let state: string;
let clock: TurningClock;
let recordings: Recordings;
beforeEach(async () => {
  state = mkdtempSync(join(tmpdir(), 'borealis-recordings-'));
  clock = new TurningClock();
  recordings = new Recordings({ state, keys, clock, diskUsage: plenty });
  await recordings.start();
});
afterEach(() => rmSync(state, { recursive: true, force: true }));

const header = () => ({ cols: 80, rows: 24, startedAt: clock.now(), title: 'web1', term: 'xterm' });
const path = (id = ID): string => join(state, 'recordings', `${id}.cast`);
const begin = (id = ID, ears = deaf) => recordings.create(id, header(), ears);
const text = async (recording: 'recording' | 'complete' | 'cut_off' = 'recording', id = ID) => {
  const pieces: Buffer[] = [];
  for await (const piece of castOf(recordings, { id, recording })) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
};
const events = (cast: string) =>
  cast
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => parseEvent(line)!)
    .map(({ code, data }) => [code, data]);
const outputOf = (cast: string): string =>
  events(cast)
    .filter(([code]) => code === 'o')
    .map(([, data]) => data)
    .join('');

test('it is asciicast v2: a header, then output, sizes, markers and input with their times', async () => {
  const recorder = await begin();
  recorder.output(Buffer.from('hello\r\n'));
  clock.advance(1_500);
  recorder.resized(100, 30);
  recorder.typed(Buffer.from('ls\n'));
  clock.advance(500);
  recorder.skip(12);
  recorder.output(Buffer.from('\x1b[1mbold\x1b[0m'));
  expect(await recorder.finish('complete')).toBe(true);
  const cast = await text('complete');
  expect(JSON.parse(cast.split('\n')[0]!)).toEqual({
    version: 2,
    width: 80,
    height: 24,
    timestamp: expect.any(Number),
    title: 'web1',
    env: { TERM: 'xterm' },
  });
  expect(events(cast)).toEqual([
    ['o', 'hello\r\n'],
    ['r', '100x30'],
    ['i', 'ls\n'],
    ['m', '12 bytes of output were lost while the engine could not be reached'],
    ['o', '\x1b[1mbold\x1b[0m'],
  ]);
  const times = cast
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => (JSON.parse(line) as [number])[0]);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(1.49);
});

test('echoes that are written together keep their times; what comes within 8 ms is one', async () => {
  let at = clock.now();
  const byHand = { now: () => at, monotonic: () => at };
  recordings = new Recordings({ state, keys, clock: byHand, diskUsage: plenty });
  await recordings.start();
  const recorder = await begin();
  for (const [key, pause] of [
    ['a', 3],
    ['b', 5],
    ['c', 1],
    ['\xc3', 40],
    ['\xa9', 200],
    ['d', 0],
  ] as const) {
    recorder.output(Buffer.from(key, 'latin1'));
    at += pause;
  }
  await recorder.finish('complete');
  const lines = (await text('complete')).trimEnd().split('\n').slice(1);
  const [first] = lines.map((line) => JSON.parse(line) as [number]);
  const seen = lines.map((line) => {
    const [at, , data] = JSON.parse(line) as [number, string, string];
    return [Math.round((at - first![0]) * 1_000), data];
  });
  // What was begun in one and ended in another is in that in which it began.
  expect(seen).toEqual([
    [0, 'abc'],
    [9, 'é'],
    [249, 'd'],
  ]);
});

test('a character that comes in pieces is one; what is none becomes U+FFFD; nothing is lost', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(fc.uint8Array({ maxLength: 9 }), fc.string({ unit: 'grapheme', maxLength: 4 }))),
      fc.boolean(),
      async (pieces, flushes) => {
        rmSync(path(), { force: true });
        const recorder = await begin();
        const all: Buffer[] = [];
        for (const piece of pieces) {
          const bytes = typeof piece === 'string' ? Buffer.from(piece) : Buffer.from(piece);
          for (const byte of bytes) recorder.output(Buffer.of(byte));
          if (flushes) await recorder.flush();
          all.push(bytes);
        }
        await recorder.finish('complete');
        expect(outputOf(await text('complete'))).toBe(Buffer.concat(all).toString('utf8'));
      },
    ),
    { numRuns: 60 },
  );
});

test('the tail that waits is that of a sequence that may still become whole', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 8 }), (bytes) => {
      const all = Buffer.from(bytes);
      const tail = unfinishedTail(all);
      const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
      const whole = decoder.decode(all, { stream: true });
      expect(all.subarray(0, all.length - tail).toString('utf8')).toBe(whole);
    }),
    { numRuns: 2_000 },
  );
});

test('what is on disk shows nothing of what was shown, and is for its owner alone', async () => {
  const recorder = await begin();
  recorder.output(Buffer.from('the-secret-of-the-day'.repeat(20)));
  await recorder.finish('complete');
  expect(readFileSync(path()).includes('secret')).toBe(false);
  expect(statSync(path()).mode & 0o777).toBe(0o600);
  expect(statSync(join(state, 'recordings')).mode & 0o777).toBe(0o700);
});

describe('an engine that was killed', () => {
  test('leaves what was written; the next one goes on from there, and says how much is safe', async () => {
    const first = await begin();
    first.output(Buffer.from('one '));
    await first.flush();
    const size = statSync(path()).size;
    first.output(Buffer.from('two '));
    await first.flush();
    // Half of what was written last.
    truncateSync(path(), size + 9);
    expect(outputOf(await text())).toBe('one ');
    clock.advance(60_000);
    const recorder = await recordings.resume(ID, clock.now() - 61_000, deaf);
    expect(recorder.offset).toBe(4);
    recorder.output(Buffer.from('two '));
    recorder.output(Buffer.from('three'));
    await recorder.finish('complete');
    expect(outputOf(await text('complete'))).toBe('one two three');
    await first.close();
  });

  test('within a character, hands out no part of it as safe', async () => {
    const stored: number[] = [];
    const recorder = await begin(ID, { ...deaf, stored: (offset) => void stored.push(offset) });
    recorder.output(Buffer.from('a€').subarray(0, 3));
    await recorder.flush();
    expect(stored.at(-1)).toBe(1);
    await recorder.close();
    const second = await recordings.resume(ID, clock.now(), deaf);
    expect(second.offset).toBe(1);
    second.output(Buffer.from('€'));
    await second.finish('cut_off');
    expect(outputOf(await text('cut_off'))).toBe('a€');
  });

  test('after the last part, is not gone on with', async () => {
    const first = await begin();
    first.output(Buffer.from('all'));
    await first.finish('complete');
    const again = await recordings.resume(ID, clock.now(), deaf);
    expect(again.ending).toBe('complete');
    expect(await again.finish('cut_off')).toBe(true);
    expect(outputOf(await text('complete'))).toBe('all');
  });

  test('at any moment, leaves a recording that can be read up to there', async () => {
    const recorder = await begin();
    for (let n = 0; n < 20; n++) {
      recorder.output(Buffer.from(`line ${n}\r\n`));
      await recorder.flush();
    }
    await recorder.close();
    const whole = readFileSync(path());
    const full = outputOf(await text());
    for (let cut = 8; cut <= whole.length; cut += 7) {
      writeFileSync(path(), whole.subarray(0, cut));
      const cast = await text();
      if (cast !== '') expect(full.startsWith(outputOf(cast))).toBe(true);
    }
  });
});

describe('a recording that was meddled with is refused', () => {
  const damaged = (recording: 'recording' | 'complete' | 'cut_off' = 'complete', id = ID) =>
    expect(verifyRecording(recordings, { id, recording })).rejects.toMatchObject({
      code: 'RECORDING_DAMAGED',
    });
  /** Where each chunk begins. */
  const chunks = (bytes: Buffer): number[] => {
    const at = [8];
    while (at.at(-1)! < bytes.length) at.push(at.at(-1)! + 4 + bytes.readUInt32BE(at.at(-1)!));
    return at;
  };
  let bytes: Buffer;
  let at: number[];
  beforeEach(async () => {
    for (const id of [ID, OTHER]) {
      const recorder = await begin(id);
      for (const word of ['alpha', 'bravo', 'carol']) {
        recorder.output(Buffer.from(word));
        await recorder.flush();
      }
      await recorder.finish('complete');
    }
    bytes = readFileSync(path());
    at = chunks(bytes);
    expect(at.length).toBe(6);
  });

  test('a byte changed, wherever it is', async () => {
    await verifyRecording(recordings, { id: ID, recording: 'complete' });
    for (let place = 0; place < bytes.length; place += 5) {
      const changed = Buffer.from(bytes);
      changed[place]! ^= 1;
      writeFileSync(path(), changed);
      await damaged();
    }
  });
  test('chunks in another order', async () => {
    const [a, b, c] = [at[1]!, at[2]!, at[3]!];
    const swapped = [bytes.subarray(0, a), bytes.subarray(b, c), bytes.subarray(a, b), bytes.subarray(c)];
    writeFileSync(path(), Buffer.concat(swapped));
    await damaged();
  });
  test('a chunk left out, or there twice', async () => {
    writeFileSync(path(), Buffer.concat([bytes.subarray(0, at[1]), bytes.subarray(at[2])]));
    await damaged();
    writeFileSync(path(), Buffer.concat([bytes.subarray(0, at[2]), bytes.subarray(at[1])]));
    await damaged();
  });
  test('the end cut off, within a chunk or between two', async () => {
    for (const end of [at[4]!, at[3]!, at[4]! + 6, 8]) {
      writeFileSync(path(), bytes.subarray(0, end));
      await damaged();
      await damaged('cut_off');
    }
  });
  test('something added, and another recording or a part of it in its place', async () => {
    const other = readFileSync(path(OTHER));
    appendFileSync(path(), other.subarray(at[1], at[2]));
    await damaged();
    writeFileSync(path(), other);
    await damaged();
    writeFileSync(path(), Buffer.concat([bytes.subarray(0, at[2]), other.subarray(at[2])]));
    await damaged();
  });
  test('one that says it was cut off, where the engine knows that it is complete', () => damaged('cut_off'));
  test('nothing at all of it is handed out', async () => {
    bytes[at[3]! + 20]! ^= 1;
    writeFileSync(path(), bytes);
    await damaged();
    await expect(text('complete')).rejects.toMatchObject({ code: 'RECORDING_DAMAGED' });
    await expect(recordings.resume(ID, 0, deaf)).rejects.toMatchObject({ code: 'RECORDING_DAMAGED' });
  });
  test('the file is gone', async () => {
    rmSync(path());
    await expect(text('complete')).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' });
  });
});

describe('a disk that takes no more', () => {
  class Disk {
    full = false;
    readonly texts: string[] = [];
    closed = false;
    readonly file: Pick<RecordingFile, 'append' | 'sync' | 'close'> = {
      append: async (_mark, text) => {
        if (this.full) throw new BorealisError('DISK_FULL');
        this.texts.push(Buffer.from(text).toString('utf8'));
      },
      sync: async () => {},
      close: async () => {
        this.closed = true;
      },
    };
  }
  const record = (disk: Disk, ears: Partial<RecorderEars> = {}) =>
    new Recorder({
      file: disk.file,
      clock,
      startedAt: clock.now(),
      last: { kind: 'more', offset: 0, elapsedMs: 0, bytes: 0 },
      ears: { ...deaf, ...ears },
      demandRoom: async () => {},
      gate: new FlushGate(),
      retryMs: 2,
    });

  test('stops whoever feeds it, keeps what came, and goes on when there is room', async () => {
    const disk = new Disk();
    const stuck: (string | null)[] = [];
    const stored: number[] = [];
    const recorder = record(disk, {
      stuck: (error) => void stuck.push(error?.code ?? null),
      stored: (offset) => void stored.push(offset),
    });
    disk.full = true;
    recorder.output(Buffer.from('kept'));
    const flushed = recorder.flush();
    await until(() => stuck.length >= 2);
    expect(recorder.full).toBe(true);
    expect(stored).toEqual([]);
    disk.full = false;
    await flushed;
    expect(stuck.at(-1)).toBe(null);
    expect(recorder.full).toBe(false);
    expect(stored).toEqual([4]);
    expect(disk.texts.join('')).toContain('"kept"');
    await recorder.close();
  });

  test('does not hold up the end of the engine, and nothing is called safe', async () => {
    const disk = new Disk();
    const stored: number[] = [];
    const recorder = record(disk, { stored: (offset) => void stored.push(offset) });
    disk.full = true;
    recorder.output(Buffer.from('lost?'));
    const finished = recorder.finish('complete');
    await until(() => recorder.full);
    await recorder.close();
    expect(await finished).toBe(false);
    expect(stored).toEqual([]);
    expect(disk.closed).toBe(true);
  });

  test('leaves the engine its reserve: a recording does not even begin', async () => {
    const small = new Recordings({
      state,
      keys,
      clock,
      diskUsage: async () => ({ total: 1e12, free: 1e8, percent_free: 0.01 }),
    });
    await expect(small.create(ID, header(), deaf)).rejects.toMatchObject({ code: 'DISK_FULL' });
  });
});

test('an agent that says more than it may fills no memory', async () => {
  const recorder = await begin();
  let handed = 0;
  while (!recorder.full && handed < 10_000_000) {
    recorder.output(Buffer.alloc(65_536, 0x61));
    handed += 65_536;
  }
  expect(handed).toBeLessThan(2_000_000);
  await recorder.finish('complete');
});
