import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type CommandLine, parseCommandLine } from '../../src/agent/cli-arguments.ts';
import { loadConfig } from '../../src/agent/config.ts';
import type { BorealisError } from '../../src/protocol/errors.ts';
import { temporary } from './parts.ts';

let folder: ReturnType<typeof temporary>;
let file: string;
beforeEach(() => {
  folder = temporary();
  file = join(folder.directory, 'agent.toml');
});
afterEach(() => folder.remove());

const load = (env: Record<string, string> = {}, state: string | undefined = folder.directory) =>
  loadConfig({ state, env });
const problem = (run: () => unknown): BorealisError => {
  try {
    run();
  } catch (error) {
    return error as BorealisError;
  }
  throw new Error('nothing was wrong');
};

it('has defaults, then the file, then the environment', async () => {
  expect(load().config).toMatchObject({ log_level: 'info', concurrency: 4, environment: {} });
  await writeFile(file, 'log_level = "debug"\nconcurrency = 2\n[environment]\nHTTPS_PROXY = "http://p"\n');
  expect(load({ BOREALIS_AGENT_CONCURRENCY: '8' }).config).toMatchObject({
    log_level: 'debug',
    concurrency: 8,
    environment: { HTTPS_PROXY: 'http://p' },
  });
});

it('names variables that look like ours and are none', () => {
  const known = { BOREALIS_AGENT_STATE: '', BOREALIS_AGENT_LINK: '', BOREALIS_AGENT_LOG_LEVEL: 'info' };
  expect(load({ ...known, BOREALIS_AGENT_HOSTNAM: 'x', BOREALIS_LISTN: 'x' }).unknown).toMatchObject([
    { key: 'BOREALIS_AGENT_HOSTNAM', nearest: 'BOREALIS_AGENT_HOSTNAME' },
  ]);
});

it('the state directory comes from the flag, the environment, or the platform', () => {
  expect(load({ BOREALIS_AGENT_STATE: '/x' }, folder.directory).state).toBe(folder.directory);
  expect(loadConfig({ env: { BOREALIS_AGENT_STATE: '/x/../y' } }).state).toBe('/y');
});

it.each([
  ['log_levle = "info"', /line 1: log_levle: there is no such setting \(did you mean log_level\?\)/],
  ['\nconcurrency = 0', /line 2: concurrency/],
  ['concurrency = ', /line 1: not valid TOML/],
  ['[environment]\n"A B" = "x"', /environment/],
])('names the mistake in %j', async (text, said) => {
  await writeFile(file, text);
  const error = problem(() => load());
  expect(error.code).toBe('CONFIG_INVALID');
  expect(error.message).toMatch(said);
});

it('a file that is named must be there', () => {
  expect(problem(() => loadConfig({ file: '/no/such/file', env: {} })).code).toBe('CONFIG_INVALID');
});

it.each<[string[], Record<string, string>, Partial<CommandLine>]>([
  [['enroll', 'LINK'], {}, { command: 'enroll', link: 'LINK', context: undefined, json: false }],
  [
    ['enroll', '-', '--context', 'user', '--json'],
    {},
    { command: 'enroll', link: '-', context: 'user', json: true },
  ],
  [['run', '--state=/s', '--config', 'c'], {}, { command: 'run', state: '/s', config: 'c' }],
  [['status'], { BOREALIS_AGENT_CONTEXT: 'user' }, { command: 'status', context: 'user' }],
  [['unenroll', '--yes'], {}, { command: 'unenroll', yes: true }],
  [['--help'], {}, { command: 'help' }],
  [['run', '--help'], {}, { command: 'help' }],
  [['--version'], {}, { command: 'version' }],
])('reads %j', (args, env, line) => {
  expect(parseCommandLine(args, env)).toMatchObject(line);
});

it.each([
  [[]],
  [['dance']],
  [['run', 'x']],
  [['enroll', 'a', 'b']],
  [['run', '--fast']],
  [['run', '--context', 'root']],
])('refuses %j', (args) => {
  expect(problem(() => parseCommandLine(args, {}))).toMatchObject({ code: 'USAGE', exit: 2 });
});
