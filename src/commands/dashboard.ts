import { boolean, option } from '@oclif/core/flags';
import { BorealisError } from '../protocol/errors.ts';
import type { Attachment, ShellWindow } from './local/shell/attach.ts';
import { BorealisCommand } from './manner/command.ts';
import { loadPart } from './manner/part.ts';

/** What src/tui/main.tsx exports: in a bundle of its own, so that React is loaded by nobody else. */
interface DashboardPart {
  dashboard(options: object): Promise<void>;
  /** Whether it was told in lines the last time, which needs no terminal that places a cursor. */
  toldInLines(env: NodeJS.ProcessEnv): boolean;
}

/** As src/tui/app/cli.ts asks for it. */
type Attaching = Pick<Attachment, 'shell' | 'readOnly'> & { readonly window?: ShellWindow };

export default class Dashboard extends BorealisCommand {
  static override summary = 'Watch and work on the whole fleet in one full screen.';
  static override examples = [
    'borealisctl dashboard',
    'borealisctl dashboard --screen device',
    'borealisctl dashboard --theme light',
    'borealisctl dashboard --screen-reader',
  ];
  static override flags = {
    screen: option({
      options: [
        'overview',
        'device',
        'approval',
        'job',
        'script',
        'code',
        'tunnel',
        'vpn',
        'ha',
        'session',
        'audit',
      ] as const,
      summary: 'Begin there; where it was left otherwise.',
    })(),
    'screen-reader': boolean({
      allowNo: true,
      summary: 'Tell in lines what changes, and draw nothing; remembered until --no-screen-reader.',
    }),
    theme: option({
      options: ['auto', 'dark', 'light'] as const,
      summary: 'For a dark or a light background; the terminal is asked otherwise.',
    })(),
  };

  async run(): Promise<void> {
    const {
      screen,
      theme,
      'no-color': noColor,
      'screen-reader': reader,
    } = (await this.parse(Dashboard)).flags;
    const { stdin, stdout, env } = process;
    if (stdin.isTTY !== true || stdout.isTTY !== true || this.out.json)
      throw new BorealisError('USAGE', {
        detail: 'The dashboard needs a terminal to draw on and keys to read.',
        next: 'For scripts: borealisctl status --json, or borealisctl event watch --json',
      });
    const { dashboard, toldInLines } = await loadPart<DashboardPart>('borealis-dashboard.cjs');
    const dumb = env.TERM === 'dumb' || env.TERM === undefined;
    if (dumb && !(reader ?? toldInLines(env)))
      throw new BorealisError('USAGE', {
        detail: 'This terminal says of itself that it cannot place a cursor (TERM=dumb).',
        next: 'Use a terminal that can, or what needs none: borealisctl dashboard --screen-reader',
      });
    const { client } = this;
    const socket = client.socketPath;
    await dashboard({
      socket,
      stdin,
      stdout,
      env,
      noColor: noColor ?? false,
      screen,
      theme,
      reader,
      cli: {
        program: [process.execPath, process.argv[1] ?? ''],
        env: { BOREALIS_SOCKET: socket },
        term: env.TERM,
        describe: async () => (await import('./local/completion/words.ts')).describeCommands(),
        names: async (words: readonly string[], begins: string) =>
          (await import('./local/completion/offered.ts')).offeredNext(client, words, begins),
        attach: async ({ shell, readOnly, window }: Attaching) => {
          const { attach } = await import('./local/shell/attach.ts');
          const { TerminalWindow } = await import('./local/shell/window.ts');
          const own = window ?? new TerminalWindow();
          return attach({ client, shell, readOnly, window: own, leaveAtOnce: true });
        },
      },
    });
  }
}
