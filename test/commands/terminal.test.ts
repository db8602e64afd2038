/** What a person sees: the same commands in a terminal, and piped. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { width } from '../../src/commands/manner/text.ts';
import { binary, Place } from '../lab/processes.ts';
import { Screen } from '../lab/screen.ts';
import { CTRL_C, ENTER, Terminal } from '../lab/terminal.ts';

const place = new Place();
const open: Terminal[] = [];
beforeAll(async () => {
  await place.startEngine();
  await place.json(['code', 'create', '--site', 'a-site-of-some-length', '--tag', 'environment=production']);
});
afterEach(() => {
  for (const terminal of open.splice(0)) terminal.kill();
});
afterAll(() => place.dispose());

const at = (args: string[], options: { columns?: number; env?: Record<string, string> } = {}): Terminal => {
  const { columns = 100, env = {} } = options;
  const terminal = new Terminal({ args, columns, env: { BOREALIS_SOCKET: place.socket, ...env } });
  open.push(terminal);
  return terminal;
};
const shown = async (
  args: string[],
  options: { columns?: number; env?: Record<string, string> } = {},
): Promise<Terminal> => {
  const terminal = at(args, options);
  await terminal.ended;
  return terminal;
};
const ESCAPE = '\u001b[';

describe('colour', () => {
  test('in a terminal', async () => expect((await shown(['status'])).written).toContain(`${ESCAPE}32mready`));
  test.each([
    ['NO_COLOR', ['status'], { NO_COLOR: '1' }],
    ['--no-color', ['status', '--no-color'], {}],
    ['a dumb terminal', ['status'], { TERM: 'dumb' }],
    ['--help with --no-color', ['device', 'list', '--help', '--no-color'], {}],
  ])('none with %s', async (_, args, env) =>
    expect((await shown(args, { env })).written).not.toContain(ESCAPE),
  );
  test('none in a pipe', async () => expect((await place.ctl(['status'])).stdout).not.toContain(ESCAPE));
});

test.each([80, 120])('tables and help fit into %i columns', async (columns) => {
  for (const args of [
    ['config', 'show'],
    ['code', 'list', '--all'],
    ['audit', 'list'],
    ['device', 'list', '--help'],
  ]) {
    const { text } = await shown(args, { columns });
    for (const line of text.split('\n'))
      expect(width(line), `${args.join(' ')}: ${line}`).toBeLessThanOrEqual(columns);
  }
});

test('config show says how to see what has no room in the table', async () => {
  expect((await shown(['config', 'show'], { columns: 80 })).text).toMatch(
    /mean: borealisctl config show --output yaml/,
  );
  expect((await shown(['config', 'show'], { columns: 120 })).text).not.toContain('--output yaml');
  expect((await shown(['config', 'show', '--output', 'yaml'], { columns: 80 })).text).not.toContain(
    '100 columns',
  );
});

test('times: how long ago in a terminal, RFC 3339 in a pipe', async () => {
  await place.json(['code', 'create', '--expires', '2h']);
  expect((await shown(['code', 'list'])).text).toMatch(/in (2 h|120 min)/);
  expect((await place.ctl(['code', 'list'])).stdout).toMatch(/\d{4}-\d{2}-\d{2}T[\d:.]+Z/);
});

test('JSON: indented where a person looks, one line where a program does; the same document', async () => {
  const { text } = await shown(['config', 'get', 'listen', '--json']);
  const { stdout } = await place.ctl(['config', 'get', 'listen', '--json']);
  expect(text.split('\n').length).toBeGreaterThan(3);
  expect(stdout.trim().split('\n')).toHaveLength(1);
  expect(JSON.parse(text)).toEqual(JSON.parse(stdout));
});

describe('--watch', () => {
  test('shows what is new when it happens, and ends with 0 by Ctrl-C', async () => {
    const terminal = at(['code', 'list', '--watch']);
    await terminal.until('Ctrl-C ends');
    const { id } = await place.json<{ id: string }>(['code', 'create', '--site', 'watched']);
    await terminal.until('watched');
    await place.json(['code', 'revoke', id]);
    terminal.type(CTRL_C);
    expect(await terminal.ended).toBe(0);
  });

  test('what stood on the screen before can be scrolled back to', async () => {
    const screen = new Screen({
      file: 'sh',
      args: ['-c', 'echo what was before; exec "$0" code list --watch', binary('borealisctl')],
      env: { BOREALIS_SOCKET: place.socket },
    });
    try {
      await screen.until('Ctrl-C ends');
      expect(screen.lines.join('\n')).not.toContain('what was before');
      const { active } = screen.terminal.buffer;
      const all = Array.from({ length: active.length }, (_, row) =>
        active.getLine(row)?.translateToString(true),
      );
      expect(all).toContain('what was before');
      screen.type(CTRL_C);
      expect(await screen.ended).toBe(0);
    } finally {
      screen.kill();
    }
  });

  test('on a terminal that cannot place a cursor, none is placed', async () => {
    const terminal = at(['code', 'list', '--watch'], { env: { TERM: 'dumb' } });
    await terminal.until('USES LEFT');
    terminal.type(CTRL_C);
    expect(await terminal.ended).toBe(0);
    expect(terminal.written).not.toContain(ESCAPE);
  });

  test('in a pipe with --json: a document a line, one for each change', async () => {
    const watching = place.start('borealisctl', ['code', 'list', '--watch', '--json'], {
      BOREALIS_SOCKET: place.socket,
    });
    await watching.until(({ stdout }) => stdout.includes('\n'), 'the first list');
    await place.json(['code', 'create', '--site', 'piped']);
    await watching.until(({ stdout }) => stdout.includes('piped'), 'the new code');
    const { code, stdout } = await watching.kill('SIGINT');
    expect(code).toBe(0);
    const lists = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown[]);
    expect(lists.at(-1)).toHaveLength((lists[0]?.length ?? 0) + 1);
  });
});

describe('questions', () => {
  const purge = ['quickstart', '--down', '--purge'];
  const env = { BOREALIS_STATE: place.path('nothing') };

  test('“no” changes nothing', async () => {
    const terminal = at(purge, { env });
    await terminal.until('[y/N]');
    terminal.type(`n${ENTER}`);
    expect(await terminal.ended).toBe(1);
    expect(terminal.text).toContain('Nothing was changed.');
  });

  test('Ctrl-C is a “no”', async () => {
    const terminal = at(purge, { env });
    await terminal.until('[y/N]');
    terminal.type(CTRL_C);
    expect(await terminal.ended).toBe(130);
    expect(terminal.text).toContain('Cancelled.');
  });

  test('in a pipe it is not asked, but refused with the way out', async () => {
    const { code, stderr } = await place.ctl(purge, { env });
    expect(code).toBe(2);
    expect(stderr).toContain('Next: Add --yes to confirm it.');
  });
});

test('the log is followed', async () => {
  const terminal = at(['log', '--follow']);
  await terminal.until('ready');
  terminal.type(CTRL_C);
  expect(await terminal.ended).toBe(0);
});

test('an engine that stops ends what watches it, with 5', async () => {
  const other = new Place();
  const engine = await other.startEngine();
  const watching = other.start('borealisctl', ['status', '--watch', '--json'], {
    BOREALIS_SOCKET: other.socket,
  });
  await watching.until(({ stdout }) => stdout.includes('\n'), 'the first status');
  await engine.kill('SIGTERM');
  const { code } = await watching.finished;
  await other.dispose();
  expect(code).toBe(5);
});
