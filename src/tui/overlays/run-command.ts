/** Runs a command of borealisctl beside the dashboard, and shows what it says as it says it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { wrap } from '../../text/width.ts';
import type { App } from '../app/app.ts';
import type { Overlay } from '../app/view.ts';
import { style } from '../grid/style.ts';
import { untilEnter } from './aside.ts';
import { confirm } from './confirm.ts';
import { coloured, type TextLine, TextPane } from './text.ts';

/** These have the whole terminal until they are left. */
const FULL_SCREEN = [['shell'], ['wallboard'], ['telemetry', 'watch']];
/** These ask, show how far they are, or print what wants every cell: it stays until Enter. */
const ASK_OR_SHOW = [
  ['quickstart'],
  ['backup'],
  ['cp'],
  ['connection', 'qr'],
  ['code', 'create', '--qr'],
  ['session', 'replay'],
];
const LINES_KEPT = 10_000;
/** Of a pane, with the blanks in it. */
const FRAME = 4;

export const runCommand = (app: App, words: readonly string[], line: string) => {
  const [noun, verb] = words;
  if (noun === 'dashboard') return app.toasts.note('You are in it.');
  if (noun === 'quit' || noun === 'q') return app.host.quit();
  const screen =
    words.length === 1
      ? (app.screens.byNoun[noun ?? ''] ?? app.screens.byNoun[(noun ?? '').replace(/s$/, '')])
      : undefined;
  if (screen) return app.go(screen.noun);
  const isOneOf = (list: readonly (readonly string[])[]): boolean =>
    list.some((one) =>
      one.every((word, index) => words[index] === word || (word.startsWith('-') && words.includes(word))),
    );
  const prints = words.includes('--help') || (noun === 'shell' && ['list', 'kill'].includes(verb ?? ''));
  if (!prints && isOneOf(FULL_SCREEN)) void runInTerminal(app, words);
  else if (!prints && isOneOf(ASK_OR_SHOW)) void runInTerminal(app, words, { stays: true });
  else runInPane(app, words, line);
};

const environment = (app: App): NodeJS.ProcessEnv => ({ ...process.env, ...app.cli.env });

/** The dashboard steps aside until it has ended. */
export const runInTerminal = (app: App, words: readonly string[], { stays = false } = {}): Promise<void> =>
  app.host.lend(async () => {
    const [program = '', ...first] = app.cli.program;
    const child = spawn(program, [...first, ...words], { stdio: 'inherit', env: environment(app) });
    const code = await ended(child);
    if (code === 0 && !stays) return;
    if (code !== 0) process.stdout.write(`\r\nIt ended with ${code}. `);
    await untilEnter();
  });

const ended = (child: ChildProcess): Promise<number | string> =>
  new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code ?? signal ?? 1));
  });

const runInPane = (app: App, words: readonly string[], line: string): void => {
  const lines: TextLine[] = [];
  const [program = '', ...first] = app.cli.program;
  const child = spawn(program, [...first, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // It has no terminal to ask on; what it would have asked there is asked here.
    env: { ...environment(app), NO_COLOR: '1', BOREALIS_ASKED_BY_DASHBOARD: '1' },
  });
  const said: string[] = [];
  const pane: Overlay & TextPane = new TextPane(app, `: ${line}`, () => lines, {
    follows: true,
    onClose: () => void child.kill('SIGTERM'),
  });
  pane.status = 'running';
  const add = (text: string, bad: boolean): void => {
    if (bad) said.push(text);
    // Errors are sentences, and say what to do at their end: they are read whole.
    if (bad)
      for (const part of wrap(text, app.host.columns - FRAME))
        lines.push([{ text: part, style: style('warn') }]);
    else lines.push(coloured(text));
    if (lines.length > LINES_KEPT) lines.splice(0, LINES_KEPT / 10);
    app.host.later();
  };
  createInterface({ input: child.stdout }).on('line', (text) => add(text, false));
  createInterface({ input: child.stderr }).on('line', (text) => add(text, true));
  void ended(child).then((code) => {
    pane.status = undefined;
    const question = /^Error: (.*) That must be confirmed\./.exec(said[0] ?? '')?.[1];
    if (code === 2 && question !== undefined) {
      app.closeOverlay(pane);
      confirm(app, {
        title: line,
        text: question,
        yes: 'do it',
        run: () => runInPane(app, [...withYes(words)], line),
      });
      return;
    }
    // Output that nobody asked to see again: what was done is said below, where it does not cover anything.
    if (code === 0 && lines.length <= 1 && app.overlay === pane) {
      app.closeOverlay(pane);
      const [only] = lines;
      app.toasts.done(only === undefined ? 'Done.' : textOf(only));
    } else {
      lines.push([
        { text: code === 0 ? '─ done' : `─ ended with ${code}`, style: style(code === 0 ? 'good' : 'bad') },
      ]);
      pane.follows = false;
    }
    app.host.soon();
  });
  app.open(pane);
};

/** Before a `--`: what follows it belongs to somebody else. */
const withYes = (words: readonly string[]): string[] => {
  const at = words.indexOf('--');
  return at < 0 ? [...words, '--yes'] : [...words.slice(0, at), '--yes', ...words.slice(at)];
};

const textOf = (line: TextLine): string =>
  typeof line === 'string' ? line : line.map(({ text }) => text).join('');
