/** The scripts as the shells themselves read them. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { commandExists } from '../../scripts/debian.ts';
import { binary } from '../lab/processes.ts';
import { Screen } from '../lab/screen.ts';
import { requires } from '../require.ts';

const directory = mkdtempSync(join(tmpdir(), 'borealis-completion-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const script = (shell: string): string =>
  spawnSync(binary('borealisctl'), ['completion', shell], { encoding: 'utf8' }).stdout;

const evil = join(directory, 'run');
// Stands for an engine with three devices, one of which has chosen its name with care, a script and a shell.
writeFileSync(
  join(directory, 'borealisctl'),
  `#!/bin/sh
case "$*" in
  *'-- script run') printf 'cleanup\\tOf old files.\\n' ;;
  *'-- shell kill' | *'-- shell --attach') printf 'k3jd\\tof root\\n' ;;
  *'--begins=env='*' -- device list --tag' | *'--begins= -- device list --tag') printf 'env=prod\\t2 devices\\n' ;;
  *'-- device list --site') printf 'two words\\t1 device\\n' ;;
  *'-- cp') printf '%s\\n' 'web-1:' ;;
  'completion names --begins='*' -- '*) printf '%s\\n' 'web-1' 'web two' 'w$(touch ${evil})' ;;
esac
`,
);
chmodSync(join(directory, 'borealisctl'), 0o755);
// Of another checkout.
mkdirSync(join(directory, 'way'));
writeFileSync(join(directory, 'way/borealisctl'), '#!/bin/sh\necho far-1\n', { mode: 0o755 });
const env = { PATH: `${directory}:${process.env.PATH}`, HOME: directory };

describe('bash', () => {
  const complete = (...words: string[]): string[] => completeAs('borealisctl', ...words);
  const completeAs = (program: string, ...words: string[]): string[] => {
    const call = `${script('bash')}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _borealisctl; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = spawnSync('bash', ['-c', call, 'bash', program, ...words], {
      encoding: 'utf8',
      env,
    });
    return stdout.trim().split('\n').filter(Boolean);
  };

  test.each([
    [['dev'], ['device']],
    [['device', 'l'], ['list']],
    [['device', 'list', '--st'], ['--state']],
    [
      ['device', 'list', '--state', 'o'],
      ['online', 'offline'],
    ],
    [['device', 'list', '-o', 'y'], ['yaml']],
    [['--socket', '/x', 'sta'], ['status']],
    [['completion', 'f'], ['fish']],
    [
      ['device', 'show', 'web'],
      ['web-1', 'web\\ two'],
    ],
    // A command by itself, which has verbs besides.
    [
      ['shell', 'w'],
      ['web-1', 'web\\ two', expect.stringContaining('touch')],
    ],
    [['shell', 'k'], ['kill']],
    [['shell', 'web-1', '--att'], ['--attach']],
    [['shell', 'list', '--dev'], ['--device']],
    [['shell', 'kill', 'w'], []],
    [['shell', 'kill', ''], ['k3jd']],
    [['shell', '--attach', ''], ['k3jd']],
    // Scripts first, then where they are to run.
    [['script', 'run', ''], ['cleanup']],
    [
      ['script', 'run', 'cleanup', 'web'],
      ['web-1', 'web\\ two'],
    ],
    [['script', 'run', 'cleanup', 'web\\ t'], ['web\\ two']],
    [['cp', 'we'], ['web-1:']],
    [['device', 'list', '--site', ''], ['two\\ words']],
    // As bash itself parts it: what stands after the sign is replaced.
    [['device', 'list', '--site', '=', 'tw'], ['two\\ words']],
    [['device', 'list', '--state', '=', 'onl'], ['online']],
    [['device', 'list', '--tag', ''], ['env=prod']],
    [['device', 'list', '--tag', 'env', '='], ['prod']],
    [['device', 'list', '--tag', 'env', '=', 'pr'], ['prod']],
    [['device', 'list', '--tag', 'env=pr'], ['env=prod']],
  ])('%j', (words, expected) => expect(complete(...words)).toEqual(expected));

  test('asks the program that was typed, where a way to it was', () => {
    const asked = join(directory, 'way/borealisctl');
    for (const [typed, found] of [
      [asked, ['far-1']],
      ['~/way/borealisctl', ['far-1']],
      ['b', ['web-1']],
    ] as const)
      expect(completeAs(typed, 'device', 'show', found[0]!.slice(0, 3)).slice(0, 1)).toEqual(found);
  });

  test('runs nothing that a device has put into its name', () => {
    expect(complete('run', 'w')).toContain(`w\\$\\(touch\\ ${evil}\\)`);
    expect(existsSync(evil)).toBe(false);
  });

  test('leaves what is after -- to the shell', () =>
    expect(complete('run', 'web-1', '--', 'up')).toEqual([]));
});

test('zsh reads its script', requires('zsh'), () => {
  writeFileSync(join(directory, '_borealisctl'), script('zsh'));
  expect(spawnSync('zsh', ['-n', join(directory, '_borealisctl')], { encoding: 'utf8' })).toMatchObject({
    status: 0,
    stderr: '',
  });
});

test('zsh completes, at its prompt', requires('zsh'), async () => {
  const init = `fpath=(${directory} $fpath); autoload -Uz compinit; compinit -u -d ${directory}/dump; unsetopt beep`;
  writeFileSync(join(directory, '.zshrc'), `PS1='ready> '; ${init}\n`);
  const screen = new Screen({ file: 'zsh', args: ['-i'], env: { ...env, ZDOTDIR: directory }, columns: 100 });
  const completed = async (typed: string, wanted: string): Promise<void> => {
    await screen.until(/^ready>$/m);
    screen.type(`${typed}\t`);
    await screen.until(wanted);
    screen.type('\u0015\u000c'); // the line away, the screen too
  };
  try {
    await completed('borealisctl device li', 'ready> borealisctl device list');
    await completed('borealisctl device list --state onl', '--state online');
    await completed('borealisctl device show web-', 'device show web-1');
    await completed('borealisctl device show web\\ ', 'device show web\\ two');
    await completed('borealisctl device show web\\ tw', 'device show web\\ two');
    await completed('borealisctl shell kil', 'ready> borealisctl shell kill');
    await completed('borealisctl shell kill ', 'shell kill k3jd');
    await completed('borealisctl script run cl', 'script run cleanup');
    await completed('borealisctl script run cleanup web-', 'script run cleanup web-1');
    await completed('borealisctl cp web', 'borealisctl cp web-1:');
    await completed('borealisctl device list --tag env=p', '--tag env=prod');
    await completed('borealisctl device list --site tw', '--site two\\ words');
    await completed('borealisctl device list --site=tw', '--site=two\\ words');
    await completed('borealisctl device list --tag=env=p', '--tag=env=prod');
    await completed('borealisctl device list --state=onl', '--state=online');
    await completed('~/way/borealisctl device show fa', 'device show far-1');
    await completed('borealisctl run w\\$', `run w\\$\\(touch\\ ${evil}\\)`);
  } finally {
    screen.kill();
  }
  expect(existsSync(evil)).toBe(false);
});

test('fish completes', requires('fish'), () => {
  writeFileSync(join(directory, 'borealisctl.fish'), script('fish'));
  const complete = (line: string): string[] =>
    spawnSync('fish', ['--no-config', '-c', `source ${directory}/borealisctl.fish; complete -C "${line}"`], {
      encoding: 'utf8',
      env,
    })
      .stdout.trim()
      .split('\n')
      .map((found) => found.split('\t', 1)[0] as string);
  expect(complete('borealisctl device li')).toEqual(['list']);
  expect(complete('borealisctl device list --state onl')).toEqual(['online']);
  expect(complete('borealisctl device show web').sort()).toEqual(['web two', 'web-1']);
  expect(complete('borealisctl shell web').sort()).toEqual(['web two', 'web-1']);
  expect(complete('borealisctl shell k')).toContain('kill');
  expect(complete('borealisctl shell kill web').filter(Boolean)).toEqual([]);
  expect(complete('borealisctl shell kill ')).toEqual(['k3jd']);
  expect(complete('borealisctl shell --attach ')).toEqual(['k3jd']);
  expect(complete('borealisctl script run ')).toEqual(['cleanup']);
  expect(complete('borealisctl script run cleanup web').sort()).toEqual(['web two', 'web-1']);
  expect(complete('borealisctl cp web')).toEqual(['web-1:']);
  expect(complete('borealisctl device list --tag env=p')).toEqual(['env=prod']);
  expect(complete('borealisctl device list --site ')).toEqual(['two words']);
  expect(complete('borealisctl device list --site=tw')).toEqual(['--site=two words']);
  expect(complete('borealisctl device list --tag=env=p')).toEqual(['--tag=env=prod']);
  expect(complete('borealisctl device list --state=onl')).toEqual(['--state=online']);
  expect(complete(`${directory}/way/borealisctl device show fa`)).toEqual(['far-1']);
});

// Neither Debian nor npm has it: it runs where somebody has installed it. powershell.test.ts has what can be held without.
if (commandExists('pwsh')) {
  test('PowerShell itself completes', () => {
    writeFileSync(join(directory, 'borealisctl.ps1'), script('powershell'));
    const complete = (line: string): string[] => {
      const ask = `. ${directory}/borealisctl.ps1; (TabExpansion2 -inputScript $env:LINE -cursorColumn $env:LINE.Length).CompletionMatches.CompletionText`;
      const options = { encoding: 'utf8', env: { ...env, LINE: line } } as const;
      return spawnSync('pwsh', ['-NoProfile', '-NonInteractive', '-Command', ask], options)
        .stdout.split(/\r?\n/)
        .filter(Boolean);
    };
    expect(complete('borealisctl device li')).toEqual(['list']);
    expect(complete('borealisctl device list --state onl')).toEqual(['online']);
    expect(complete('borealisctl device show web').sort()).toEqual(["'web two'", 'web-1']);
    expect(complete('borealisctl script run ')).toEqual(['cleanup']);
    expect(complete('borealisctl run w')).toContain(`'w$(touch ${evil})'`);
    expect(complete('borealisctl run web-1 -- up').filter((word) => word.startsWith('web'))).toEqual([]);
    expect(existsSync(evil)).toBe(false);
  });
}

test('PowerShell has every command', () => {
  const text = script('powershell');
  for (const id of ['device list', 'run', 'quickstart', 'shell', 'shell kill'])
    expect(text).toContain(`'${id}' = @('--`);
});
