/** Whatever tree is copied arrives as it was; what was there already is not sent again. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { COPY_CHUNK_BYTES, COPY_WHOLE_MAX } from '../../src/protocol/copy.ts';
import { attempt, picture, Scratch, whole } from './parts.ts';

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch();
});
afterEach(() => scratch.dispose());

type Node =
  | { readonly file: Uint8Array; readonly mode: number }
  | { readonly link: string }
  | { readonly directory: Readonly<Record<string, Node>>; readonly mode: number };

const name = fc
  .string({ minLength: 1, maxLength: 12, unit: 'grapheme' })
  .filter((text) => !/[/\0]/.test(text) && text !== '.' && text !== '..' && Buffer.byteLength(text) < 200)
  .filter((text) => text.isWellFormed());
const size = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 3_000 }) },
  { weight: 1, arbitrary: fc.constantFrom(COPY_WHOLE_MAX, COPY_WHOLE_MAX + 1, COPY_CHUNK_BYTES * 2 + 7) },
);
const file = fc.record({
  file: fc.tuple(size, fc.integer({ min: 0, max: 255 })).map(([bytes, seed]) => content(bytes, seed)),
  mode: fc.constantFrom(0o644, 0o600, 0o755, 0o444, 0o640, 0o666),
});
const link = fc.record({ link: name });
const { tree } = fc.letrec<{ node: Node; tree: Node & { directory: object } }>((tie) => ({
  node: fc.oneof({ maxDepth: 3, withCrossShrink: true }, file, link, tie('tree')),
  tree: fc.record({
    directory: fc.dictionary(name, tie('node'), { maxKeys: 5 }),
    mode: fc.constantFrom(0o755, 0o700, 0o750, 0o555),
  }),
}));

const content = (bytes: number, seed: number): Uint8Array => {
  const all = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 1) all[at] = (at * 31 + seed + (at >> 9)) & 0xff;
  return all;
};

const make = (path: string, node: Node, time: number): void => {
  if ('link' in node) {
    symlinkSync(node.link, path);
    lutimesSync(path, time, time);
    return;
  }
  if ('file' in node) writeFileSync(path, node.file);
  else {
    mkdirSync(path);
    for (const [below, one] of Object.entries(node.directory)) make(join(path, below), one, time - 10);
  }
  utimesSync(path, time, time);
  chmodSync(path, node.mode);
};

const source = (path: string, directory = statSync(path).isDirectory()) => ({
  name: basename(path),
  path,
  directory,
});

test('any tree arrives equal: names, content, modes, times, links', async () => {
  let round = 0;
  await fc.assert(
    fc.asyncProperty(tree, async (node) => {
      round += 1;
      const [from, to] = [scratch.path(`from${round}`), scratch.path(`to${round}`)];
      make(from, node as Node, 1_600_000_000);
      const one = { scratch, sources: [source(from)], to };
      whole(await attempt(one));
      expect(picture(to)).toEqual(picture(from));
      // A second time into the same place: everything with content is there already.
      const again = whole(await attempt({ ...one, sources: [{ ...source(from), name: '' }] }));
      expect([again.sender.movedBytes, again.receiver.files]).toEqual([0, []]);
      expect(picture(to)).toEqual(picture(from));
    }),
    { numRuns: 40 },
  );
}, 60_000);

test('a file goes into a directory that is there, or becomes what was named', async () => {
  const from = scratch.path('from');
  writeFileSync(from, 'x');
  mkdirSync(scratch.path('there'));
  const sources = [source(from)];
  for (const to of ['there', 'other', 'made/'])
    whole(await attempt({ scratch, sources, to: `${scratch.root}/${to}` }));
  for (const path of ['there/from', 'other', 'made/from'])
    expect(readFileSync(scratch.path(path), 'utf8')).toBe('x');
  const refused = await attempt({ scratch, sources, to: scratch.path('no/such/place') });
  expect(refused.received.error).toMatchObject({ code: 'NO_SUCH_PATH' });
});

test('several sources go into one directory, those of one name not at all', async () => {
  for (const path of ['a/x', 'b/y', 'b/x']) {
    mkdirSync(scratch.path(path, '..'), { recursive: true });
    writeFileSync(scratch.path(path), path);
  }
  const of = (...paths: string[]) => paths.map((path) => source(scratch.path(path)));
  whole(await attempt({ scratch, sources: of('a/x', 'b/y'), to: scratch.path('to') }));
  expect(readFileSync(scratch.path('to/y'), 'utf8')).toBe('b/y');
  const { received } = await attempt({ scratch, sources: of('a/x', 'b/x'), to: scratch.path('to') });
  expect(received.error).toMatchObject({ code: 'COPY_FAILED' });
});

test('what cannot be read is told, and the rest arrives', async () => {
  const from = scratch.path('from');
  mkdirSync(from);
  writeFileSync(join(from, 'a'), 'a');
  writeFileSync(join(from, 'b'), 'b');
  const { sender, receiver, sent } = await attempt({
    scratch,
    sources: [source(from)],
    to: scratch.path('to'),
    // It goes away between being told of and being asked for.
    between: async function* (frames) {
      for await (const frame of frames) {
        if (frame.payload.includes('"path":"b"')) rmSync(join(from, 'b'));
        yield frame;
      }
    },
  });
  expect(sent).toEqual({});
  expect([sender.problems, receiver.problems]).toEqual(
    ['from/b', 'to/b'].map((path) => [expect.objectContaining({ path, left_out: false })]),
  );
  expect(existsSync(scratch.path('to/a'))).toBe(true);
});

test('what is special is left out and said; what is named itself, or has no name that can be told, is a failure', async () => {
  const from = scratch.path('from');
  mkdirSync(from);
  execFileSync('mkfifo', [join(from, 'pipe')]);
  const socket = createServer().listen(join(from, 'socket'));
  await once(socket, 'listening');
  symlinkSync(Buffer.from([0x61, 0xff]), join(from, 'link'));
  writeFileSync(Buffer.concat([Buffer.from(`${from}/`), Buffer.from([0x62, 0xff])]), 'b');
  const { sender } = await attempt({ scratch, sources: [source(from)], to: scratch.path('to') });
  socket.close();
  const told = sender.problems.map(({ path, message, left_out }) => [path, message, left_out]);
  expect(told.toSorted()).toEqual([
    ['from/b\ufffd', 'its name is not UTF-8', false],
    ['from/link', 'what it points to is not UTF-8', false],
    ['from/pipe', 'a pipe is not copied', true],
    ['from/socket', 'a socket is not copied', true],
  ]);
  expect(readdirSync(scratch.path('to'))).toEqual([]);
  const named = await attempt({ scratch, sources: [source(join(from, 'pipe'))], to: scratch.path('to') });
  expect(named.sender.problems).toMatchObject([{ message: 'a pipe is not copied', left_out: false }]);
});

test('names as long as names can be, by the thousand, fit into frames', async () => {
  const from = scratch.path('from');
  mkdirSync(from);
  let deep = from;
  for (let level = 0; level < 12; level += 1) {
    deep = join(deep, '\u0007'.repeat(250));
    mkdirSync(deep);
  }
  for (let n = 0; n < 700; n += 1) writeFileSync(join(deep, `${'\u0007'.repeat(240)}${n}`), '');
  const { receiver } = whole(await attempt({ scratch, sources: [source(from)], to: scratch.path('to') }));
  expect(receiver.files).toHaveLength(700);
});

test('a file that is replaced keeps its owner, one that is new belongs to whoever writes', async (context) => {
  if (process.geteuid?.() !== 0) context.skip('needs root');
  const from = scratch.path('from');
  mkdirSync(from);
  for (const name of ['old', 'new']) writeFileSync(join(from, name), name, { mode: 0o640 });
  mkdirSync(scratch.path('to'));
  writeFileSync(scratch.path('to/old'), 'theirs', { mode: 0o4755 });
  chownSync(scratch.path('to/old'), 12_345, 54_321);
  whole(await attempt({ scratch, sources: [{ ...source(from), name: '' }], to: scratch.path('to') }));
  const owners = ['old', 'new'].map((name) => {
    const { uid, gid, mode } = statSync(scratch.path('to', name));
    return [uid, gid, mode & 0o7777];
  });
  expect(owners).toEqual([
    [12_345, 54_321, 0o640],
    [0, process.getegid!(), 0o640],
  ]);
});

test('a file of the kernel that says that it is empty is not copied as if it were', async () => {
  const sources = [{ name: 'version', path: '/proc/version', directory: false }];
  const { sender } = await attempt({ scratch, sources, to: scratch.path('to') });
  expect(sender.problems).toMatchObject([{ message: 'it holds more than its size says', left_out: false }]);
  expect(existsSync(scratch.path('to'))).toBe(false);
});

test('where a directory cannot be made, that is said of it, and of what would go into it', async () => {
  mkdirSync(scratch.path('from/d'), { recursive: true });
  writeFileSync(scratch.path('from/d/f'), '');
  mkdirSync(scratch.path('to'));
  writeFileSync(scratch.path('to/d'), 'in the way');
  const one = { ...source(scratch.path('from')), name: '' };
  const { receiver } = await attempt({ scratch, sources: [one], to: scratch.path('to') });
  expect(receiver.problems.map(({ path, message }) => [path, message])).toEqual([
    ['d', 'something that is no directory is in the way'],
    ['d/f', 'something that is no directory is in the way, or a symbolic link'],
  ]);
  expect(readFileSync(scratch.path('to/d'), 'utf8')).toBe('in the way');
});
