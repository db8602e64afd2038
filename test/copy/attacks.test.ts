/** Whatever the other end says, and whatever somebody on this machine does meanwhile, nothing outside is touched. */
import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { partName } from '../../src/copy/part-file.ts';
import { COPY, COPY_CHUNK_BYTES, COPY_VERSION } from '../../src/protocol/copy.ts';
import { directory, file, type Liar, link, receiveFrom, sendTo } from './hostile.ts';
import { attempt, picture, Scratch } from './parts.ts';

let scratch: Scratch;
let to: string;
let outside: Record<string, string>;
const lookOutside = () => picture(scratch.path('outside'));
beforeEach(() => {
  scratch = new Scratch();
  to = scratch.path('to');
  mkdirSync(to);
  mkdirSync(scratch.path('outside/sub'), { recursive: true });
  writeFileSync(scratch.path('outside/secret'), 'secret');
  outside = lookOutside();
});
afterEach(() => {
  expect(lookOutside()).toEqual(outside);
  scratch.dispose();
});

const sha = (content: Uint8Array): Buffer => hash('sha256', content, 'buffer');
const whole = (liar: Liar, index: number, content = 'evil'): void => {
  const bytes = Buffer.from(content);
  liar.bytes(COPY.WHOLE, liar.index(index), sha(bytes), bytes);
};

describe('names', () => {
  test.each([
    '..',
    '../evil',
    'a/../../evil',
    '.',
    'a/./evil',
    '/etc/evil',
    'a//evil',
    'a/',
    'a\0b',
    `${partName('x')}`,
  ])('%j goes nowhere, as a file, a directory or a link', async (path) => {
    const { error, seen } = await receiveFrom(scratch, to, async (liar) => {
      liar.begin('');
      liar.entries(directory('a'), file(path, 4), directory(path), link(path, 'a'));
      expect(await liar.hear(COPY.HAVE)).toMatchObject({ until: 4, unwanted: expect.arrayContaining([1]) });
      liar.end();
    });
    expect(error).toBeUndefined();
    expect(seen.problems.length).toBeGreaterThanOrEqual(2);
    expect(new Set(seen.problems.map(({ message }) => message))).toEqual(
      new Set(['its name leads elsewhere']),
    );
    expect(readdirSync(to)).toEqual(['a']);
    expect(readdirSync(scratch.root).sort()).toEqual(expect.not.arrayContaining(['evil']));
  });

  test.each(['..', '.', 'a/b', '/etc', 'a\0b', `${partName('x')}`])(
    'nor does a source called %j',
    async (name) => {
      const { error } = await receiveFrom(scratch, to, (liar) => {
        liar.begin(name);
        liar.entries(directory(''));
        liar.end();
      });
      expect(error).toMatchObject({ code: 'COPY_FAILED' });
      expect(readdirSync(to)).toEqual([]);
    },
  );

  test('what a device calls its file is not what it is called here', async () => {
    const { error } = await receiveFrom(
      scratch,
      to,
      async (liar) => {
        liar.begin('.bashrc', false);
        liar.entries(file('', 4));
        await liar.hear(COPY.HAVE);
        whole(liar, 0);
        liar.end();
      },
      ['hosts'],
    );
    expect(error).toBeUndefined();
    expect(readdirSync(to)).toEqual(['hosts']);
  });

  test('nor does it give one thing for another, or several', async () => {
    const begin = (sources: object[]) =>
      receiveFrom(
        scratch,
        to,
        (liar) => liar.say(COPY.BEGIN, { version: COPY_VERSION, sources, into: null }),
        ['hosts'],
      );
    const one = { name: 'x', directory: false };
    expect((await begin([one, one])).error).toMatchObject({ code: 'SCHEMA_MISMATCH' });
    expect((await begin([])).error).toMatchObject({ code: 'SCHEMA_MISMATCH' });
    expect(readdirSync(to)).toEqual([]);
  });
});

describe('links', () => {
  test.each([
    '/etc/passwd',
    '../outside',
    '../../outside/secret',
    'a/../../../outside',
    // Through another link, `a/..` is elsewhere.
    'a/..',
    './../..',
    '..//..',
  ])('one to %s is left out', async (target) => {
    const { error, seen } = await receiveFrom(scratch, to, async (liar) => {
      liar.begin('');
      liar.entries(directory('d'), link('l', target));
      await liar.hear(COPY.HAVE);
      liar.end();
    });
    expect(error).toBeUndefined();
    expect(seen.problems).toMatchObject([{ path: 'l', left_out: true }]);
    expect(readdirSync(to)).toEqual(['d']);
  });

  test('one that was sent is not written through', async () => {
    const { seen } = await receiveFrom(scratch, to, async (liar) => {
      liar.begin('');
      liar.entries(directory('real'), link('l', 'real'));
      liar.entries(directory('l'), file('l/evil', 4));
      await liar.hear(COPY.HAVE);
      liar.end();
    });
    expect(seen.problems).toHaveLength(2);
    expect(readdirSync(join(to, 'real'))).toEqual([]);
  });

  test('one that is there already is not written through, and a file takes its place', async () => {
    symlinkSync('../outside', join(to, 'd'));
    symlinkSync('../outside/secret', join(to, 'f'));
    const { seen } = await receiveFrom(scratch, to, async (liar) => {
      liar.begin('');
      liar.entries(directory('d'), file('d/secret', 4), file('d/sub/evil', 4), file('f', 4));
      expect(await liar.hear(COPY.HAVE)).toMatchObject({ unwanted: [1, 2] });
      whole(liar, 3);
      liar.end();
    });
    expect(seen.problems).toHaveLength(3);
    expect(lstatSync(join(to, 'f')).isFile()).toBe(true);
  });

  test('one that takes the place of a directory in the middle is not followed', async () => {
    const { seen } = await receiveFrom(scratch, to, async (liar) => {
      liar.begin('');
      liar.entries(directory('d'), directory('d/sub'), file('d/secret', 4), file('d/sub/evil', 4));
      await liar.hear(COPY.HAVE);
      renameSync(join(to, 'd'), join(to, 'away'));
      symlinkSync('../outside', join(to, 'd'));
      whole(liar, 2);
      whole(liar, 3);
      liar.end();
    });
    // They went where the directory is now, which is still the one that was made.
    expect(seen.problems).toEqual([]);
    expect(readFileSync(join(to, 'away/secret'), 'utf8')).toBe('evil');
    expect(lstatSync(join(to, 'away')).mode & 0o777).toBe(0o755);
  });

  test('a special file is not replaced by what is copied', async () => {
    execFileSync('mkfifo', [join(to, 'pipe')]);
    const { seen } = await receiveFrom(scratch, to, async (liar) => {
      liar.begin('');
      liar.entries(file('pipe', 4), link('pipe', 'x'));
      expect(await liar.hear(COPY.HAVE)).toMatchObject({ unwanted: [0] });
      liar.end();
    });
    expect(seen.problems).toHaveLength(2);
    expect(lstatSync(join(to, 'pipe')).isFIFO()).toBe(true);
  });
});

describe('parts', () => {
  const SIZE = COPY_CHUNK_BYTES + 10;
  const content = Buffer.alloc(SIZE, 'e');
  const part = () => join(to, partName('large'));
  const swaps: Record<string, () => void> = {
    'a link out': () => symlinkSync('../outside/secret', part()),
    'a link to nowhere': () => symlinkSync('../outside/new', part()),
    'another name of a file outside': () => linkSync(scratch.path('outside/secret'), part()),
    'another file': () => writeFileSync(part(), 'theirs', { mode: 0o666 }),
    'a pipe': () => void execFileSync('mkfifo', [part()]),
  };

  test.each(Object.keys(swaps))('%s that lies there before is not written to', async (what) => {
    swaps[what]!();
    const { error, seen } = await receiveFrom(scratch, to, async (liar) => {
      liar.begin('');
      liar.entries(file('large', SIZE));
      await liar.hear(COPY.HAVE);
      liar.start(0);
      liar.bytes(COPY.CHUNK, content);
      liar.bytes(COPY.FINISH, sha(content));
      liar.end();
    });
    expect([error, seen.problems]).toEqual([undefined, []]);
    expect(readFileSync(join(to, 'large'))).toEqual(content);
    expect(readdirSync(to)).toEqual(['large']);
  });

  test.each(Object.keys(swaps))(
    '%s that takes its place in the middle does not get its name',
    async (what) => {
      const { seen } = await receiveFrom(scratch, to, async (liar) => {
        liar.begin('');
        liar.entries(file('large', SIZE), file('small', 4));
        await liar.hear(COPY.HAVE);
        liar.start(0);
        liar.bytes(COPY.CHUNK, content.subarray(0, 1_000));
        while (!existsSync(part()) || lstatSync(part()).size < 1_000)
          await new Promise((resolve) => setImmediate(resolve));
        rmSync(part());
        swaps[what]!();
        liar.bytes(COPY.CHUNK, content.subarray(1_000));
        liar.bytes(COPY.FINISH, sha(content));
        whole(liar, 1);
        liar.end();
      });
      expect(seen.problems).toMatchObject([
        { path: 'large', message: 'somebody replaced what had arrived of it' },
      ]);
      expect(existsSync(join(to, 'large'))).toBe(false);
      expect(existsSync(join(to, 'small'))).toBe(true);
    },
  );

  test('of another user, or open to others, it is not gone on with', async () => {
    writeFileSync(part(), content.subarray(0, 100), { mode: 0o600 });
    chmodSync(part(), 0o666);
    await receiveFrom(scratch, to, async (liar) => {
      liar.begin('');
      liar.entries(file('large', SIZE));
      expect(await liar.hear(COPY.HAVE)).toMatchObject({ have: [] });
      liar.hangUp();
    });
  });
});

describe('content', () => {
  test('of another hash does not get its name', async () => {
    const large = Buffer.alloc(COPY_CHUNK_BYTES, 'x');
    const { seen } = await receiveFrom(scratch, to, async (liar) => {
      liar.begin('');
      liar.entries(file('small', 4), file('large', large.length));
      await liar.hear(COPY.HAVE);
      liar.bytes(COPY.WHOLE, liar.index(0), sha(Buffer.from('good')), Buffer.from('evil'));
      liar.start(1);
      liar.bytes(COPY.CHUNK, large);
      liar.bytes(COPY.FINISH, sha(Buffer.from('other')));
      liar.end();
    });
    expect(seen.problems.map(({ path }) => path).sort()).toEqual(['large', 'small']);
    expect(readdirSync(to)).toEqual([]);
  });

  const protocol: Record<string, (liar: Liar) => void> = {
    'that nobody asked for': (liar) => whole(liar, 7),
    'of another length': (liar) => whole(liar, 0, 'longer than said'),
    twice: (liar) => {
      whole(liar, 0);
      whole(liar, 0);
    },
    'that begins nowhere': (liar) => liar.bytes(COPY.CHUNK, Buffer.from('x')),
    'that ends nowhere': (liar) => liar.bytes(COPY.FINISH, sha(Buffer.from('x'))),
    'that goes on with what is not there': (liar) => liar.start(1, 17),
    'that is too much': (liar) => {
      liar.start(1);
      for (let chunk = 0; chunk < 3; chunk += 1) liar.bytes(COPY.CHUNK, Buffer.alloc(COPY_CHUNK_BYTES));
    },
    'that is too little': (liar) => {
      liar.start(1);
      liar.bytes(COPY.FINISH, sha(Buffer.from('')));
    },
    'within other content': (liar) => {
      liar.start(1);
      whole(liar, 0);
    },
    'skipped that is not there': (liar) => liar.bytes(COPY.SKIP, liar.index(0)),
    'missing at the end': (liar) => liar.end(),
    'after the end of the list': (liar) => {
      liar.say(COPY.ENTRIES, { entries: [], last: true });
      liar.entries(file('more', 1));
    },
    'of no known kind': (liar) => liar.bytes(40, Buffer.from('{}')),
    'begun a second time': (liar) => liar.begin(),
    'of a source that there is not': (liar) => liar.entries(file('x', 1, { source: 3 })),
    'with a set-user-ID bit': (liar) => liar.entries(file('x', 1, { mode: 0o4755 })),
    'with a key too many': (liar) => liar.entries(file('x', 1, { owner: 'root' })),
    'of negative size': (liar) => liar.entries(file('x', -1)),
    'of no JSON': (liar) => liar.bytes(COPY.ENTRIES, Buffer.from('{')),
    'too short to name a file': (liar) => liar.bytes(COPY.WHOLE, Buffer.from('x')),
  };
  test.each(Object.keys(protocol))('%s ends the copy', async (what) => {
    const { error } = await receiveFrom(scratch, to, async (liar) => {
      liar.begin('');
      liar.entries(file('small', 4), file('large', COPY_CHUNK_BYTES * 2));
      await liar.hear(COPY.HAVE);
      protocol[what]!(liar);
    });
    expect(error).toMatchObject({ code: 'SCHEMA_MISMATCH' });
    expect(readdirSync(to).filter((name) => name === 'large')).toEqual([]);
  });

  test('announced without end is refused before it fills the memory', async () => {
    let said = 0;
    const { error } = await receiveFrom(scratch, to, async (liar) => {
      liar.begin('');
      const some = Array.from({ length: 2_000 }, (_, at) => file(`f${at}`, 1_000_000));
      for (; said < 200_000; said += some.length) {
        liar.entries(...some);
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    expect(error).toMatchObject({ code: 'SCHEMA_MISMATCH' });
  });
});

describe('what is read', () => {
  const source = () => ({ name: 'from', path: scratch.path('from'), directory: true });
  const swapped = async (swap: () => void) => {
    mkdirSync(scratch.path('from/d'), { recursive: true });
    for (const name of ['secret', 'd/secret']) writeFileSync(scratch.path('from', name), 'mine!!');
    let done = false;
    return attempt({
      scratch,
      sources: [source()],
      to: join(to, 'new'),
      between: async function* (frames) {
        for await (const frame of frames) {
          if (!done && frame.payload.includes('"path":"d/secret"')) {
            done = true;
            swap();
          }
          yield frame;
        }
      },
    });
  };

  test('is not a link that took the place of a file', async () => {
    const { receiver, sent } = await swapped(() => {
      rmSync(scratch.path('from/d/secret'));
      symlinkSync(scratch.path('outside/secret'), scratch.path('from/d/secret'));
    });
    expect(sent).toEqual({});
    expect(receiver.problems).toMatchObject([
      { path: 'new/d/secret', message: 'a symbolic link is in the way' },
    ]);
    expect(existsSync(join(to, 'new/d/secret'))).toBe(false);
  });

  test('nor lies behind a link that took the place of a directory', async () => {
    await swapped(() => {
      renameSync(scratch.path('from/d'), scratch.path('from/e'));
      symlinkSync(scratch.path('outside'), scratch.path('from/d'));
    });
    expect(existsSync(join(to, 'new/d/secret')) && readFileSync(join(to, 'new/d/secret'), 'utf8')).not.toBe(
      'secret',
    );
  });
});

describe('a receiver', () => {
  const sources = () => {
    writeFileSync(scratch.path('a'), 'content');
    return [{ name: 'a', path: scratch.path('a'), directory: false }];
  };
  const lies: Record<string, (liar: Liar) => void | Promise<void>> = {
    'answers what was not said': (liar) =>
      liar.say(COPY.HAVE, { until: 9, unwanted: [], have: [], into: true }),
    'has done what was not sent': (liar) => liar.say(COPY.RESULTS, { done: [5], failed: [] }),
    'speaks of nothing known': (liar) => liar.say(COPY.BEGIN, {}),
    'is done before it was sent anything': (liar) => liar.say(COPY.DONE, {}),
    'is done without a word of what was sent': async (liar) => {
      liar.say(COPY.HAVE, { until: 1, unwanted: [], have: [], into: true });
      await liar.hear(COPY.END);
      liar.say(COPY.DONE, {});
    },
    'answers backwards': (liar) => {
      liar.say(COPY.HAVE, { until: 1, unwanted: [], have: [], into: true });
      liar.say(COPY.HAVE, { until: 0, unwanted: [], have: [], into: true });
    },
  };
  test.each(Object.keys(lies))('that %s is left', async (what) => {
    const { error } = await sendTo(scratch, sources(), async (liar) => {
      await liar.hear(COPY.ENTRIES);
      await lies[what]!(liar);
    });
    expect(error).toMatchObject({ code: 'SCHEMA_MISMATCH' });
  });

  test('that claims to have it is believed only with its hash', async () => {
    const claim = async (content: string, offset: number) => {
      let skipped = false;
      const { error } = await sendTo(scratch, sources(), async (liar) => {
        await liar.hear(COPY.ENTRIES);
        const have = [{ index: 0, offset, hash: sha(Buffer.from(content)).toString('base64url') }];
        liar.say(COPY.HAVE, { until: 1, unwanted: [], have, into: true });
        const heard = await liar.next(COPY.SKIP, COPY.WHOLE);
        skipped = heard === COPY.SKIP;
        await liar.next(COPY.END);
        liar.say(COPY.RESULTS, { done: [0], failed: [] });
        liar.say(COPY.DONE, {});
      });
      return { error, skipped };
    };
    expect(await claim('content', 7)).toEqual({ error: undefined, skipped: true });
    expect(await claim('CONTENT', 7)).toEqual({ error: undefined, skipped: false });
  });
});
