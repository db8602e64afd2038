/** `borealis-agent doctor`: what keeps this device from its engine, each finding with its remedy; as `borealisctl doctor`. */
import type { Problem } from '../config/file.ts';
import type { Check } from '../protocol/engine.ts';
import { systemClock } from '../sys/clock.ts';
import { found, ok } from '../sys/doctor/check.ts';
import type { CommandLine } from './cli-arguments.ts';
import { plain, printJson, type Terminal } from './cli-output.ts';
import { loadConfig, type Origins, stateOf } from './config.ts';
import { agentChecks } from './doctor/checks.ts';
import { asFailure } from './doctor/state.ts';

/** Columns of the first two. */
const STATE = 8;
const ID = 17;
/** Where the output is no terminal. */
const WIDTH = 120;

/** Resolves to the exit code: 1 where something fails; warnings alone end with 0. */
export async function doctorCommand(line: CommandLine, terminal: Terminal): Promise<number> {
  const origins = { state: line.state, file: line.config, env: terminal.env };
  const looked = await agentChecks({ state: stateOf(origins), context: line.context, clock: systemClock });
  const checks = [configCheck(origins), ...looked];
  const count = (wanted: Check['state']): number => checks.filter((check) => check.state === wanted).length;
  const [failed, warned] = [count('fail'), count('warn')];
  if (line.json) printJson(terminal, checks);
  else {
    for (const check of checks) show(check, terminal);
    terminal.stderr.write(
      failed + warned === 0
        ? '\nAll is well.\n'
        : `\n${plural(failed, 'failure')}, ${plural(warned, 'warning')}.\n`,
    );
  }
  return failed > 0 ? 1 : 0;
}

/** With a mistake in it the agent does not start. */
function configCheck(origins: Origins): Check {
  try {
    const { unknown } = loadConfig(origins);
    if (unknown.length > 0) return unknownCheck(unknown);
    return ok('config', 'The configuration is right.');
  } catch (error) {
    return asFailure('config', error);
  }
}

function unknownCheck(unknown: readonly Problem[]): Check {
  const names = unknown.map(({ key, nearest }) => `${key}${nearest ? ` (${nearest} is one)` : ''}`);
  const message = `There are no such variables, so they are left out: ${names.join(', ')}.`;
  return found('warn', 'config', message, 'Correct or remove them where the agent is started.');
}

function show({ id, state, message, remedy }: Check, { stdout }: Terminal): void {
  const margin = ' '.repeat(STATE + ID + 2);
  const column = (text: string): string =>
    wrapped(plain(text), (stdout.columns || WIDTH) - margin.length).join(`\n${margin}`);
  stdout.write(`${state.padEnd(STATE)} ${id.padEnd(ID)} ${column(message)}\n`);
  if (remedy) stdout.write(`${margin}${column(`Remedy: ${remedy}`)}\n`);
}

/** Broken between words; a word that is longer stays whole, so that it can be copied. */
function wrapped(text: string, columns: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && line.length + 1 + word.length > columns) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
