/** Help as people meet it first, and what is told to whoever gave a flag and no command. */
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { commands } from '../../src/commands/table.ts';
import { binary } from '../lab/processes.ts';
import { Terminal } from '../lab/terminal.ts';

const ctl = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(binary('borealisctl'), args, { encoding: 'utf8' });
  return { code: status, stdout, stderr };
};

test('a noun that is a command by itself names its verbs too', () => {
  const { stdout } = ctl('shell', '--help');
  expect(stdout).toContain('USAGE');
  expect(stdout).toMatch(/COMMANDS\n {2}shell kill .*\n {2}shell list /);
});

test('what a flag takes is written in one manner', () => {
  expect(ctl('dashboard', '--help').stdout).toContain('--theme=auto|dark|light');
  expect(ctl('job', 'list', '--help').stdout).toMatch(/--state=STATE.*one of:/s);
  const { stdout } = ctl('connection', 'add', '--help');
  expect(stdout).toContain('--site-subnets=CIDR,… ');
  expect(stdout).not.toContain('…...');
});

test.each([
  [['--nope'], 'There is no flag --nope.', 'borealisctl --help'],
  [['device', '--nope=1'], 'There is no flag --nope=1.', 'borealisctl device --help'],
  [['-v'], 'There is no flag -v.', 'borealisctl --version'],
])('%j is a mistake, not a question for the overview', (args, sentence, next) => {
  const { code, stdout, stderr } = ctl(...args);
  expect(code).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toContain(sentence);
  expect(stderr).toContain(next);
});

test('a plural alone is answered with the list that was probably meant', () => {
  const lists = Object.keys(commands).filter((id) => id.endsWith(' list'));
  expect(lists.length).toBeGreaterThan(10);
  for (const id of lists) {
    const noun = id.split(' ', 1)[0] ?? '';
    const { code, stdout, stderr } = ctl(`${noun}s`);
    expect([noun, code, stdout]).toEqual([noun, 2, '']);
    expect(stderr).toContain(`Did you mean: borealisctl ${id}? `);
  }
  expect(ctl('devices', '--state', 'online').stderr).toContain('borealisctl device list --state online?');
  expect(ctl('devices', '--help')).toMatchObject({ code: 0, stderr: '' });
  expect(ctl('help', 'devices').stdout).toContain('device rename');
});

test.each([['--no-color'], ['device', '--quiet'], ['--socket', '/x'], ['--help', '--nope']])(
  'an overview with %s',
  (...args) => expect(ctl(...args)).toMatchObject({ code: 0, stderr: '' }),
);

test('missing paths and words are told by what is to be written', () => {
  expect(ctl('cp').stderr).toContain('borealisctl cp notes.txt web-1:/tmp');
  expect(ctl('device', 'tag').stderr).toContain('borealisctl device tag DEVICE env=prod');
});

test('an agent that reads the link from a terminal asks for it, and says what to do about a wrong one', async () => {
  const terminal = new Terminal({
    program: 'borealis-agent',
    args: ['enroll', '-', '--state', '/nowhere'],
    env: {},
  });
  await terminal.until('Paste the link');
  terminal.type('nonsense\r');
  expect(await terminal.ended).toBe(2);
  expect(terminal.text).toMatch(/^Error: .+\nNext: .+$/m);
});
