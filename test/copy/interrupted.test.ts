/** A line that breaks after any frame: what is copied next goes on from there, and everything arrives as it was. */
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as lasts } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CopyInterrupted } from '../../src/copy/connection.ts';
import type { AgentPortFrame } from '../../src/protocol/agent-port-codec.ts';
import { COPY_CHUNK_BYTES } from '../../src/protocol/copy.ts';
import { type Attempt, attempt, newSendMemory, type Outcome, picture, Scratch, whole } from './parts.ts';

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch();
});
afterEach(() => scratch.dispose());

const content = (bytes: number): Buffer =>
  Buffer.from(Array.from({ length: bytes }, (_, at) => (at * 13) & 0xff));

const tree = (): string => {
  const from = scratch.path('from');
  mkdirSync(join(from, 'a/b'), { recursive: true, mode: 0o750 });
  for (const [name, bytes] of [
    ['a/b/small', 10],
    ['a/large', COPY_CHUNK_BYTES * 2 + 100],
    ['other', 300_000],
    ['z', 0],
  ] as const)
    writeFileSync(join(from, name), content(bytes), { mode: 0o600 });
  symlinkSync('../a/large', join(from, 'a/link'));
  for (const name of ['a/b/small', 'a/large', 'other', 'z', 'a/b', 'a', '.'])
    utimesSync(join(from, name), 1_600_000_000, 1_600_000_000);
  return from;
};

/** Cuts the line once so many frames have come. */
const cutAfter = (frames: number): NonNullable<Attempt['between']> =>
  async function* (all, cut) {
    let passed = 0;
    for await (const frame of all) {
      if (passed === frames) return cut();
      passed += 1;
      yield frame;
    }
  };

/** Not counted: sent when it pleases the clock. */
const countFrames = async (one: Attempt): Promise<number> => {
  let frames = 0;
  const between = async function* (all: AsyncIterable<AgentPortFrame>) {
    for await (const frame of all) {
      frames += 1;
      yield frame;
    }
  };
  whole(await attempt({ ...one, between }));
  return frames;
};

describe.each(['the same run', 'a second run'])('%s', (who) => {
  test('goes on, whichever frame was the last', async () => {
    const from = tree();
    const sources = [{ name: 'from', path: from, directory: true }];
    const frames = await countFrames({ scratch, sources, to: scratch.path('counted') });
    expect(frames).toBeGreaterThan(8);
    for (let last = 0; last < frames; last += 1) {
      const to = scratch.path(`to${last}`);
      const [sendMemory, receiveMemory] = [newSendMemory(), { settled: new Set<string>() }];
      const one = who === 'the same run' ? { sendMemory, receiveMemory } : {};
      const first = await attempt({ scratch, sources, to, ...one, between: cutAfter(last) });
      expect(first.sent.error, `after ${last}`).toBeDefined();
      // Another process has no memory of it; an agent never has.
      const again = who === 'the same run' ? { sendMemory } : {};
      whole(await attempt({ scratch, sources, to, ...again }));
      expect(picture(to), `after ${last}`).toEqual(picture(from));
    }
  });
});

test('what has come of a large file does not come again', async () => {
  const path = scratch.path('large');
  writeFileSync(path, content(COPY_CHUNK_BYTES * 4));
  const sources = [{ name: 'large', path, directory: false }];
  const to = scratch.path('to');
  await attempt({ scratch, sources, to, between: cutAfter(6) });
  const [part] = readdirSync(scratch.root).filter((name) => name.startsWith('.borealis-part-'));
  const { size, mode } = statSync(scratch.path(part!));
  expect([size > 0, mode & 0o777]).toEqual([true, 0o600]);
  const { sender, receiver } = whole(await attempt({ scratch, sources, to }));
  expect(sender).toMatchObject({ keptBytes: size, movedBytes: COPY_CHUNK_BYTES * 4 - size });
  expect(receiver).toMatchObject({ keptBytes: size });
  expect(picture(to)).toEqual(picture(path));
});

test('all of a file had come but its last word: it is compared, and takes its place', async () => {
  const path = scratch.path('large');
  writeFileSync(path, content(COPY_CHUNK_BYTES * 2));
  const sources = [{ name: 'large', path, directory: false }];
  const to = scratch.path('to');
  // BEGIN, two ENTRIES, START, two CHUNKs.
  await attempt({ scratch, sources, to, between: cutAfter(6) });
  const { sender } = whole(await attempt({ scratch, sources, to }));
  expect(sender.movedBytes).toBe(0);
  expect(picture(to)).toEqual(picture(path));
});

test('a source that is another by then is copied anew, whatever had come of the old one', async () => {
  const path = scratch.path('large');
  writeFileSync(path, content(COPY_CHUNK_BYTES * 3));
  const sources = [{ name: 'large', path, directory: false }];
  const to = scratch.path('to');
  await attempt({ scratch, sources, to, between: cutAfter(5) });
  writeFileSync(path, Buffer.alloc(COPY_CHUNK_BYTES * 3, 'n'));
  const { sender } = whole(await attempt({ scratch, sources, to }));
  expect(sender).toMatchObject({ keptBytes: 0, movedBytes: COPY_CHUNK_BYTES * 3 });
  expect(picture(to)).toEqual(picture(path));
  // And one that only grew, where its beginning is what is there.
  appendFileSync(path, 'more');
  whole(await attempt({ scratch, sources, to }));
  expect(picture(to)).toEqual(picture(path));
});

test('a directory that an earlier copy left unfinished is private, and is gone on with, not gone into', async () => {
  const sources = [{ name: 'from', path: tree(), directory: true }];
  const to = scratch.path('to');
  await attempt({ scratch, sources, to, between: cutAfter(4) });
  expect(statSync(to).mode & 0o777).toBe(0o700);
  whole(await attempt({ scratch, sources, to }));
  expect(picture(to)).toEqual(picture(scratch.path('from')));
  // Once it is whole, it is a directory like any other.
  whole(await attempt({ scratch, sources, to }));
  expect(picture(scratch.path('to/from'))).toEqual(picture(scratch.path('from')));
});

test('two copies to one place at once: one is told, the other arrives', async () => {
  const path = scratch.path('large');
  writeFileSync(path, content(COPY_CHUNK_BYTES * 3));
  const sources = [{ name: 'large', path, directory: false }];
  const to = scratch.path('to');
  const { promise: other, resolve: begin } = Promise.withResolvers<void>();
  const second = other.then(() => attempt({ scratch, sources, to, patienceMs: 0 }));
  let seen = 0;
  const first = await attempt({
    scratch,
    sources,
    to,
    between: async function* (frames) {
      for await (const frame of frames) {
        seen += 1;
        if (seen === 6) {
          begin();
          expect((await second).receiver.problems).toMatchObject([
            { message: 'another copy to the same place is under way', left_out: false },
          ]);
        }
        yield frame;
      }
    },
  });
  whole(first);
  expect(picture(to)).toEqual(picture(path));
});

test('a copy whose end is not known yet where it goes to is waited for, and gone on with', async () => {
  const path = scratch.path('large');
  writeFileSync(path, content(COPY_CHUNK_BYTES * 4));
  const sources = [{ name: 'large', path, directory: false }];
  const to = scratch.path('to');
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  let next: Promise<Outcome> | undefined;
  let seen = 0;
  const first = await attempt({
    scratch,
    sources,
    to,
    // The line is dead, and what was on its way still comes, until the silence is noticed.
    between: async function* (frames, cut) {
      for await (const frame of frames) {
        seen += 1;
        if (seen === 5) {
          next = attempt({
            scratch,
            sources,
            to,
            between: async function* (theirs) {
              let heard = 0;
              for await (const one of theirs) {
                yield one;
                heard += 1;
                if (heard === 2) ask(); // that it is there
              }
            },
          });
          await asked;
          await lasts(500); // the silence itself
        }
        if (seen > 6) return cut();
        yield frame;
      }
    },
  });
  expect(first.received.error).toBeInstanceOf(CopyInterrupted);
  const { sender } = whole(await next!);
  expect(sender).toMatchObject({ keptBytes: 2 * COPY_CHUNK_BYTES, movedBytes: 2 * COPY_CHUNK_BYTES });
  expect(picture(to)).toEqual(picture(path));
});
