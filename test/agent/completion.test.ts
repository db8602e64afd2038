/** What the shells complete of `borealis-agent`: each script in its real shell. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parseCommandLine } from '../../src/agent/cli-arguments.ts';
import { flags, HELP, SHELLS } from '../../src/agent/cli-table.ts';
import { PowerShellScript } from '../commands/powershell-script.ts';
import { binary } from '../lab/processes.ts';
import { Screen } from '../lab/screen.ts';
import { requires } from '../require.ts';

const PROGRAM = 'borealis-agent';
const directory = mkdtempSync(join(tmpdir(), 'borealis-completion-'));
mkdirSync(join(directory, 'state-of-it'));
symlinkSync(binary(PROGRAM), join(directory, PROGRAM));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const env = { PATH: `${directory}:${process.env.PATH}`, HOME: directory };

const agent = (...args: string[]) => spawnSync(binary(PROGRAM), args, { encoding: 'utf8' });
const script = (shell: string): string => agent('completion', shell).stdout;

/** Typed so far, and what it can become. */
const CASES: readonly (readonly [line: string, words: readonly string[]])[] = [
  ['en', ['enroll']],
  ['st', ['status']],
  ['--context system ru', ['run']],
  ['--context s', ['system']],
  ['run --context u', ['user']],
  ['unenroll --y', ['--yes']],
  ['status --js', ['--json']],
  ['completion f', ['fish']],
];

test('every flag of its command line is in the table', () => {
  const known = flags.map(({ name }) => name);
  expect([...HELP.matchAll(/^ {2}--([a-z]+)/gm)].map(([, name]) => name)).toEqual(known);
  for (const { name, value } of flags) parseCommandLine(['run', `--${name}`, ...(value ? ['user'] : [])], {});
  expect(() => parseCommandLine(['run', '--other'], {})).toThrow();
});

test('a shell that is none is answered with those that are', () => {
  for (const args of [['completion'], ['completion', 'tcsh']])
    expect(agent(...args)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining(SHELLS.join(', ')),
    });
});

test.each([...CASES, ['run --y', []] as const])('bash: %s', (line, expected) => {
  const words = [PROGRAM, ...line.split(' ')];
  const call = `${script('bash')}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _borealis_agent; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = spawnSync('bash', ['-c', call, 'bash', ...words], { encoding: 'utf8', env });
  expect(stdout.split('\n').filter(Boolean)).toEqual(expected);
});

test('fish', requires('fish'), () => {
  writeFileSync(join(directory, 'agent.fish'), script('fish'));
  const complete = (line: string): string[] =>
    spawnSync('fish', ['--no-config', '-c', `source agent.fish; complete -C "${PROGRAM} ${line}"`], {
      ...{ encoding: 'utf8', env, cwd: directory },
    })
      .stdout.split('\n')
      .filter(Boolean)
      .map((found) => found.split('\t', 1)[0] as string);
  for (const [line, expected] of CASES) expect(complete(line)).toEqual(expected);
  expect(complete('run --y')).toEqual([]);
  expect(complete('run --state state-')).toEqual(['state-of-it/']);
});

test('zsh, at its prompt', requires('zsh'), async () => {
  writeFileSync(join(directory, `_${PROGRAM}`), script('zsh'));
  const init = `fpath=(${directory} $fpath); autoload -Uz compinit; compinit -u -d ${directory}/dump; unsetopt beep`;
  writeFileSync(join(directory, '.zshrc'), `PS1='ready> '; cd ${directory}; ${init}\n`);
  const screen = new Screen({ file: 'zsh', args: ['-i'], env: { ...env, ZDOTDIR: directory }, columns: 100 });
  try {
    for (const [line, [word]] of [...CASES, ['run --state=sta', ['--state=state-of-it/']]] as const) {
      await screen.until(/^ready>$/m);
      screen.type(`${PROGRAM} ${line}\t`);
      await screen.until(`ready> ${PROGRAM} ${line.replace(/\S+$/, '')}${word}`);
      screen.type('\u0015\u000c'); // the line away, the screen too
    }
  } finally {
    screen.kill();
  }
});

test('PowerShell: read by its grammar', async () => {
  const read = await PowerShellScript.read(script('powershell'));
  expect(read.problems(PROGRAM)).toEqual([]);
});
