/**
 * Writes what is derived from the source, each file only where it differs:
 *
 *   src/client/routes.ts    the local API's routes, so that a client need not load the schemas
 *   src/commands/table.ts   the commands, so that the launcher looks nothing up on disk
 *   completions/            what shells complete, from the commands themselves
 *   man/man1/               manual pages, from the commands too
 *   docs/openapi.json       the local API for other clients; the engine serves the same
 *   docs/keys.md            the keys of the dashboard
 *
 * With --check it writes nothing, names what is stale and ends with 1.
 */
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { completionScript as agentCompletion } from '../src/agent/completion.ts';
import { openapi } from '../src/protocol/openapi.ts';
import type { Operation } from '../src/protocol/operation.ts';
import { operations } from '../src/protocol/operations.ts';
import { keysDocument } from '../src/tui/keys/table.ts';

const root = resolve(import.meta.dirname, '..');

const routesSource = (): string => {
  const lines = (Object.entries(operations) as [string, Operation][]).map(
    ([name, { method, path, transport }]) => `  '${name}': ['${method}', '${path}', '${transport}'],`,
  );
  return `// Made by scripts/generate.ts from src/protocol/operations.ts.
import type { Method, Transport } from '../protocol/operation.ts';
import type { OperationName } from '../protocol/operations.ts';

export type Route = readonly [method: Method, path: string, transport: Transport];

export const routes = {
${lines.join('\n')}
} as const satisfies Record<OperationName, Route>;
`;
};

interface Found {
  /** As it is typed: `device list`. */
  readonly id: string;
  /** Relative to src/commands. */
  readonly file: string;
  readonly summary: string;
  readonly hidden: boolean;
}

/** A command is a file of its own, `<noun>/<verb>.ts` or `<verb>.ts`, whose default export is its class. */
const findCommands = async (): Promise<Found[]> => {
  const directory = join(root, 'src/commands');
  const files = globSync('{*,*/*}.ts', { cwd: directory }).filter((file) => !NO_COMMANDS.test(file));
  const found: Found[] = [];
  for (const file of files.sort()) {
    const module = (await import(join(directory, file))) as {
      default?: { summary?: string; hidden?: boolean };
    };
    const command = module.default;
    if (!command?.summary) throw new Error(`src/commands/${file}: no default export with a summary`);
    const id = file.replace(/\.ts$/, '').replaceAll('/', ' ');
    found.push({ id, file, summary: command.summary, hidden: command.hidden ?? false });
  }
  return found;
};
const NO_COMMANDS = /^(main|table)\.ts$|^(manner|shown|local)\//;

const quote = (text: string): string =>
  text.includes("'") && !text.includes('"') ? `"${text}"` : `'${text.replaceAll("'", "\\'")}'`;

const tableSource = (commands: readonly Found[]): string => {
  const entries = commands.map(({ id, file, summary, hidden }) => {
    const key = id.includes(' ') || id.includes('-') ? `'${id}'` : id;
    return `  ${key}: {
    summary: ${quote(summary)},${hidden ? '\n    hidden: true,' : ''}
    load: () => import('./${file}'),
  },`;
  });
  return `// Made by scripts/generate.ts from the files beside it.
import type { CommandEntry } from './manner/entry.ts';

export const commands: Readonly<Record<string, CommandEntry>> = {
${entries.join('\n')}
};
`;
};

/** Of the table as it is on disk now: it was written before. */
const completionFiles = async (): Promise<[string, string][]> => {
  const { describeCommands } = await import('../src/commands/local/completion/words.ts');
  const { SHELLS, completionScript } = await import('../src/commands/local/completion/script.ts');
  const words = await describeCommands();
  return SHELLS.flatMap((shell): [string, string][] => [
    [FILES[shell]('borealisctl'), completionScript(shell, words)],
    [FILES[shell]('borealis-agent'), agentCompletion(shell)],
  ]);
};
const FILES = {
  bash: (program: string) => `completions/${program}.bash`,
  zsh: (program: string) => `completions/_${program}`,
  fish: (program: string) => `completions/${program}.fish`,
  powershell: (program: string) => `completions/${program}.ps1`,
} as const;

const stale: string[] = [];
const place = (file: string, content: string): void => {
  const path = join(root, file);
  if (existsSync(path) && readFileSync(path, 'utf8') === content) return;
  stale.push(file);
  if (process.argv.includes('--check')) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
};

const generate = async (): Promise<void> => {
  place('src/client/routes.ts', routesSource());
  place('docs/keys.md', keysDocument());
  place('docs/openapi.json', `${JSON.stringify(openapi(), null, 2)}\n`);
  const commands = await findCommands();
  place('src/commands/table.ts', tableSource(commands));
  for (const [file, content] of await completionFiles()) place(file, content);
  const { manualPages } = await import('./man.ts');
  for (const [file, content] of await manualPages()) place(`man/man1/${file}`, content);
  if (stale.length === 0) return;
  process.stderr.write(
    `borealis: ${process.argv.includes('--check') ? 'stale' : 'generated'}: ${stale.join(', ')}\n`,
  );
  if (process.argv.includes('--check')) process.exitCode = 1;
};

await generate();
