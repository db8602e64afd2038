/** Whatever tree is copied arrives as it was; what was there already is not sent again. */
import {
  chmodSync,
  existsSync,
  lutimesSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
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
