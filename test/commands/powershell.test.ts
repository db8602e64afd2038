/**
 * PowerShell's completion where no PowerShell is: Debian and npm have none. Its script is read by its grammar, and what it
 * would ask the engine is asked. Where `pwsh` is, completion.test.ts has the shell itself run the script.
 */
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commandExists } from '../../scripts/debian.ts';
import { binary, Place } from '../lab/processes.ts';
import { PowerShellScript } from './powershell-script.ts';

const PROGRAM = 'borealisctl';
const text = spawnSync(binary(PROGRAM), ['completion', 'powershell'], { encoding: 'utf8' }).stdout;
const how = commandExists('pwsh') ? 'read by its grammar' : 'read by its grammar: no pwsh here';

const place = new Place();
beforeAll(async () => {
  await place.startEngine();
  for (const name of ['web-1', 'web-2']) await place.startDevice(name);
}, 60_000);
afterAll(() => place.dispose());

describe(`PowerShell's script (${how})`, () => {
  test('is PowerShell, and registers one completer', async () => {
    expect((await PowerShellScript.read(text)).problems(PROGRAM)).toEqual([]);
  });

  test.each([
    ['} else {', 'else {', 'not PowerShell'],
    ["@('--help', '--version')", "@('--help', '--version'", 'not PowerShell'],
    ['-ScriptBlock {', '-Script {', 'no such parameter, -Script'],
    ['-Native ', '', 'registered in another way'],
    ['-CommandName borealisctl', '-CommandName borealis', 'that of borealis'],
    ['$wordToComplete, $commandAst,', '$commandAst,', 'nobody sets $wordToComplete'],
    ['$before -contains', '$befor -contains', 'nobody sets $befor'],
    ['Select-Object -Skip', 'Select-Objects -Skip', 'no such command'],
    ['.StartsWith(', '.StartWith(', 'no such member: StartWith'],
    ['  } else {\n    @()', '  }\n  else {\n    @()', 'no such command: else'],
  ])('would not pass with “%s” as “%s”', async (right, wrong, problem) => {
    expect(text.includes(right)).toBe(true);
    const broken = await PowerShellScript.read(text.replace(right, wrong));
    expect(broken.problems(PROGRAM).join('\n')).toContain(problem);
  });

  test('knows every command, its flags, and where names follow', async () => {
    const script = await PowerShellScript.read(text);
    expect(script.wordsOf('verbs')).toMatchObject({ shell: ['kill', 'list'], status: [] });
    expect(script.wordsOf('flags')['device list']).toEqual(expect.arrayContaining(['--state', '--json']));
    expect(script.wordsOf('values')['device list --state']).toContain('quarantined');
  });

  /** The line up to the word, the word as it is so far, where the script finds that names follow, and which do. */
  test.each([
    ['device show', 'web', 'device show', ['web-1', 'web-2']],
    ['run web-1', '', 'run', ['web-2']],
    ['event list --device', 'web-2', 'event list --device', ['web-2']],
    ['cp', 'w', 'cp', ['web-1:', 'web-2:']],
    ['config get', 'log_l', 'config get', [expect.stringMatching(/^log_level\t/)]],
    ['script run', '', 'script run', []],
  ])('asks the engine after “%s %s”', async (line, word, rule, names) => {
    const script = await PowerShellScript.read(text);
    expect(script.wordsOf('named')['']).toContain(rule);
    const before = line.split(' ');
    const [call, ...others] = script.callsOf(PROGRAM, { wordToComplete: word, before });
    expect(others).toEqual([]);
    const { code, stdout, stderr } = await place.ctl(call!);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.split('\n').filter(Boolean)).toEqual(names);
  });

  test('would not pass with a word that the program does not take', async () => {
    const script = await PowerShellScript.read(text.replace('"--begins=', '"--begin='));
    const [call] = script.callsOf(PROGRAM, { wordToComplete: 'web', before: ['device', 'show'] });
    expect((await place.ctl(call!)).code).not.toBe(0);
  });
});
