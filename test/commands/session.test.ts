/** Recorded sessions from the command line, against an engine's recordings over its real socket. */
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Recording } from '../../src/protocol/shell.ts';
import { until } from '../daemon/agents.ts';
import { ShellLab } from '../daemon/shells/lab.ts';
import { binary, type Finished, Process } from '../lab/processes.ts';
import { Screen } from '../lab/screen.ts';
import { requires } from '../require.ts';
import { hold } from './hold.ts';

const CSI = '\u001b[';

let lab: ShellLab;
/** Ended; it showed colours, an alternate screen, and 🙂. */
let done: string;
/** Still runs. */
let running: string;
const screens: Screen[] = [];
const env = () => ({ BOREALIS_SOCKET: lab.socket });
const ctl = (...args: string[]): Promise<Finished> =>
  new Process(binary('borealisctl'), ['session', ...args], env()).finished;
const json = async <T>(...args: string[]): Promise<T> => {
  const { code, stdout, stderr } = await ctl(...args, '--json');
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as T;
};
const lines = async <T>(...args: string[]): Promise<T[]> => {
  const { code, stdout, stderr } = await ctl(...args, '--json');
  expect([code, stderr]).toEqual([0, '']);
  return stdout
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);
};
const open = (...args: string[]): Screen => {
  const screen = new Screen({ args: ['session', ...args], env: env() });
  screens.push(screen);
  return screen;
};
const path = (name: string): string => join(lab.directory, name);

const SHOWN = [
  `$ ls\r\n${CSI}32mGrüße 🙂${CSI}m\r\n`,
  `${CSI}?1049h${CSI}2J${CSI}Hin an editor${CSI}?25l`,
  `${CSI}?25h${CSI}?1049l`,
  '$ exit\r\nPermission DENIED here\r\n',
];

beforeAll(async () => {
  lab = await ShellLab.open();
  done = (await lab.create()).id;
  for (const text of SHOWN) {
    lab.agent.shell.print(text);
    await until(() => lab.agent.shell.acked === lab.agent.shell.end);
    lab.clock.advance(10_000);
  }
  lab.agent.shell.exit(3);
  await lab.event('shell.ended');
  lab.agent.shells.clear();
  running = (await lab.create()).id;
  lab.agent.shell.print('still here\r\n');
  await until(() => lab.agent.shell.acked === lab.agent.shell.end);
});
afterAll(async () => {
  for (const screen of screens) screen.kill();
  await lab.close();
});

describe('as JSON', () => {
  test('list', async () => {
    const list = await json<Recording[]>('list');
    expect(list.map(({ id }) => id)).toEqual([running, done]);
    await hold(lab, 'session-list', list);
  });
  test('show, by a prefix', async () => hold(lab, 'session-show', await json('show', done.slice(0, 8))));
  test('shell list', async () => {
    const { stdout } = await new Process(binary('borealisctl'), ['shell', 'list', '--json'], env()).finished;
    await hold(lab, 'shell-list', JSON.parse(stdout));
  });
  test('search: one match a line', async () => {
    const found = await lines<{ recording: Recording; line: string }>('search', 'permission denied');
    expect(found).toMatchObject([{ recording: { id: done }, line: 'Permission DENIED here' }]);
    await hold(lab, 'session-search', found);
    expect(await lines('search', 'here')).toHaveLength(2);
    expect(await lines('search', 'nowhere')).toEqual([]);
    expect(await lines('search', 'here', '--device', 'web1')).toHaveLength(2);
  });
  test('replay: one event a line, without waiting', async () => {
    const [header, ...events] = await lines<{ type: string; at: number; data: string }>('replay', done);
    expect(header).toEqual({ type: 'header', cols: 80, rows: 24, title: 'web1' });
    expect(events.map(({ data }) => data).join('')).toBe(SHOWN.join(''));
    expect(events.at(-1)?.at).toBeGreaterThanOrEqual(30);
    for (const event of events) expect(event.type).toBe('output');
    await hold(lab, 'session-replay', [header, ...events]);
  });
  test('export', async () => {
    const written = await json<{ file: string; file_bytes: number }>('export', done, path('golden.cast'));
    expect(written).toMatchObject({ file: path('golden.cast'), session: { id: done } });
    expect(written.file_bytes).toBe(statSync(path('golden.cast')).size);
    await hold(lab, 'session-export', written);
  });
});

describe('is exported', () => {
  test('to a file that only its owner reads, whole', async () => {
    expect(await ctl('export', done, path('work.cast'))).toMatchObject({ code: 0 });
    expect(statSync(path('work.cast')).mode & 0o777).toBe(0o600);
    const [header, ...events] = readFileSync(path('work.cast'), 'utf8').trimEnd().split('\n');
    expect(JSON.parse(header!)).toMatchObject({ version: 2, width: 80, height: 24 });
    expect(events.map((line) => (JSON.parse(line) as string[])[2]).join('')).toBe(SHOWN.join(''));
  });
  test('not over a file that is there, unless told', async () => {
    writeFileSync(path('there'), 'mine');
    const refused = await ctl('export', done, path('there'));
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('exists already') });
    expect(readFileSync(path('there'), 'utf8')).toBe('mine');
    expect(await ctl('export', done, path('there'), '--force')).toMatchObject({ code: 0 });
    expect(readFileSync(path('there'), 'utf8')).toContain('"version":2');
  });
  test('to standard output', async () => {
    const { code, stdout } = await ctl('export', done, '-');
    expect(code).toBe(0);
    expect(stdout).toContain('Grüße 🙂');
  });
  test('of a shell that still runs: what there is so far', async () => {
    expect((await ctl('export', running, '-')).stdout).toContain('still here');
  });
  test('and asciinema plays it', requires('asciinema', 'script'), async () => {
    await ctl('export', done, path('played.cast'));
    for (const how of ['cat', 'play -s 1000']) {
      // It wants a terminal of its own.
      const { status, stdout } = spawnSync(
        'script',
        ['-qec', `asciinema ${how} ${path('played.cast')}`, '/dev/null'],
        {
          encoding: 'utf8',
          env: { ...process.env, LC_ALL: 'C.UTF-8', HOME: lab.directory },
        },
      );
      expect(status).toBe(0);
      for (const text of ['Grüße 🙂', 'in an editor', 'Permission DENIED here'])
        expect(stdout).toContain(text);
    }
  });
});

describe('replayed', () => {
  test('where nobody looks: all that was shown, at once', async () => {
    expect(await ctl('replay', done)).toMatchObject({ code: 0, stdout: SHOWN.join(''), stderr: '' });
  });

  test('in a terminal, as fast as is asked for, to its end; the terminal is as before', async () => {
    const screen = open('replay', done, '--speed', '1000');
    expect(await screen.ended).toBe(0);
    const shown = screen.lines.join('\n');
    expect(shown).toContain('Grüße 🙂');
    expect(shown).toContain('Permission DENIED here');
    expect(shown).toMatch(/The end of \w{12} on web1: 0:3\d of 0:3\d\./);
    expect(screen.terminal.buffer.active.type).toBe('normal');
  });

  test('no pause longer than is asked for', async () => {
    const screen = open('replay', done, '--idle-limit', '0.05');
    expect(await screen.ended).toBe(0);
    expect(screen.lines.join('\n')).toContain('Permission DENIED here');
  });

  test('stands at a space, goes on by steps, and ends at q', async () => {
    const screen = open('replay', done, '--from', '10s');
    const titles: string[] = [];
    screen.terminal.onTitleChange((title) => titles.push(title));
    await screen.until('in an editor');
    screen.type(' ');
    await until(() => /paused at 0:1\d$/.test(titles.at(-1) ?? ''));
    screen.type('.');
    // The editor has ended.
    await screen.until('Grüße 🙂');
    screen.type('q');
    expect(await screen.ended).toBe(0);
    expect(screen.lines.join('\n')).toMatch(/Left of \w{12} on web1: 0:2\d of/);
    expect(screen.terminal.modes.bracketedPasteMode).toBe(false);
  });

  test('and Ctrl-C ends it too, within a screen of its own', async () => {
    const screen = open('replay', done, '--from', '0:10');
    await screen.until('in an editor');
    screen.type('\u0003');
    expect(await screen.ended).toBe(0);
    expect(screen.terminal.buffer.active.type).toBe('normal');
    expect(screen.written).toContain(`${CSI}?25h`);
  });

  test.each([
    ['--speed', '0'],
    ['--speed', 'fast'],
    ['--from', '1:99'],
    ['--idle-limit', 'long'],
  ])('not with %s %s', async (...flags) =>
    expect(await ctl('replay', done, ...flags)).toMatchObject({ code: 2 }),
  );
});

describe('for people', () => {
  test('the list', async () => {
    const { stdout } = await ctl('list');
    expect(stdout).toMatch(/^ID +DEVICE +USER +STATE +EXIT +LASTED +SIZE +BY +STARTED\n/);
    expect(stdout).toMatch(new RegExp(`^${running} +web1 +root +recording +- `, 'm'));
    expect(stdout).toMatch(new RegExp(`^${done} +web1 +root +complete +3 `, 'm'));
  });
  test('the card', async () =>
    expect((await ctl('show', done)).stdout).toMatch(/^State +complete\nExit code +3\n/m));
  test('what a search found, where, and when in it', async () => {
    const { stdout } = await ctl('search', 'denied');
    expect(stdout).toMatch(
      new RegExp(`^${done}  web1, as root, by root, .*\n {6}0:3\\d  Permission DENIED here\n$`),
    );
    expect(await ctl('search', 'nowhere')).toMatchObject({ code: 0, stdout: '' });
  });
  test('what is not there', async () => {
    for (const args of [
      ['show', 'zzz'],
      ['replay', 'zzz'],
      ['export', 'zzz', path('none')],
    ])
      expect(await ctl(...args)).toMatchObject({ code: 3, stdout: '' });
  });
});

test('who read what is on record', async () => {
  const actions = (await lab.audit()).map(({ action, actor, target }) => `${actor} ${action} ${target}`);
  expect(actions).toContain(`root session.read ${done}`);
  expect(actions).toContain('root session.search all sessions');
});

test('a shell is ended, and its recording stays', async () => {
  const kill = ['shell', 'kill', running, '--json'];
  const { code, stdout, stderr } = await new Process(binary('borealisctl'), kill, env()).finished;
  expect([code, stderr]).toEqual([0, '']);
  await hold(lab, 'shell-kill', JSON.parse(stdout));
  expect(await json<Recording>('show', running)).toMatchObject({ id: running, state: 'complete' });
});
