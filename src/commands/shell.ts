import { boolean, string } from '@oclif/core/flags';
import { BorealisError } from '../protocol/errors.ts';
import type { Shell } from '../protocol/shell.ts';
import { BorealisCommand } from './manner/command.ts';
import { optional } from './manner/flags.ts';
import { plain } from './manner/text.ts';
import { quoteForShell } from './manner/words.ts';
import { attachCommand } from './shown/shell.ts';

export default class ShellCommand extends BorealisCommand {
  static override summary = 'A login shell on a device, in this terminal; it goes on when you leave it.';
  static override description =
    'Ctrl-] d leaves the shell, which goes on, and says how to come back; Ctrl-] twice types Ctrl-] once. A lost connection is ' +
    'made again by itself. Several may watch and use one shell; the window of whoever typed last gives it its size. What it ' +
    'shows is recorded unless the engine is set otherwise; see it with: borealisctl session replay. Ends with the exit code ' +
    'of the shell, with 128 and the number of the signal that ended it, or with 0 when it is left. With --json the shell is ' +
    'started, or looked up, and its document printed; nothing is attached.';
  static override examples = [
    'borealisctl shell web-1',
    'borealisctl shell web-1 --user deploy',
    'borealisctl shell web-1 --attach k3jd',
    'borealisctl shell web-1 --read-only',
  ];
  static override args = {
    device: optional({ description: 'Name, GUID, or a unique prefix of either; not needed with --attach.' }),
  };
  static override flags = {
    attach: string({
      char: 'a',
      helpValue: 'ID',
      summary: 'Come to a shell that runs: its id, or a unique prefix.',
    }),
    'read-only': boolean({
      char: 'r',
      summary: 'Only watch. Without --attach: the one shell that runs on the device.',
    }),
    user: string({
      char: 'u',
      helpValue: 'ACCOUNT',
      summary: 'The account on the device; that of its agent unless told.',
      exclusive: ['attach', 'read-only'],
    }),
    'record-input': boolean({
      summary: 'Record what is typed too, except while it is not echoed, as passwords are.',
      exclusive: ['attach', 'read-only'],
    }),
  };
  static override operations = ['shell.create', 'shell.list', 'shell.attach'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ShellCommand);
    const { client, out } = this;
    const readOnly = flags['read-only'];
    if (!out.json) demandTerminal(args.device);
    const { TerminalWindow } = await import('./local/shell/window.ts');
    const window = new TerminalWindow();
    const shell =
      flags.attach !== undefined || readOnly
        ? await this.#running(args.device, flags.attach)
        : await client.call('shell.create', {
            device: demandDevice(args.device),
            ...(flags.user !== undefined && { user: flags.user }),
            ...window.size,
            ...(/^[\w.+-]{1,64}$/.test(process.env.TERM ?? '') && { term: process.env.TERM }),
            record_input: flags['record-input'],
          });
    if (out.json) return out.document(shell);
    this.#introduce(shell, readOnly, flags['record-input']);
    const { attach, exitOf } = await import('./local/shell/attach.ts');
    const outcome = await attach({ client, window, shell, readOnly });
    process.exitCode = exitOf(outcome);
    // It stands below what the shell showed last, wherever the cursor was.
    out.note('');
    if (outcome.kind === 'ended') {
      const how = outcome.signal ?? outcome.exit_code;
      out.note(`The shell on ${plain(shell.device)} has ended${how === null ? '' : ` with ${how}`}.`, 'dim');
      if (shell.recorded) out.note(`Its recording: borealisctl session replay ${shell.id}`, 'dim');
      return;
    }
    out.note(`The shell on ${plain(shell.device)} goes on. Come back with:\n  ${attachCommand(shell)}`);
  }

  /** Errors: SHELL_NOT_FOUND, SHELL_AMBIGUOUS, DEVICE_NOT_FOUND. */
  async #running(device: string | undefined, ref: string | undefined): Promise<Shell> {
    if (ref === undefined) demandDevice(device);
    const running = await this.client.call('shell.list', device === undefined ? {} : { device });
    const wanted = (ref ?? '').toLowerCase();
    const found = running.filter(({ id }) => id.startsWith(wanted));
    const [first, second] = found;
    if (first && (!second || first.id === wanted)) return first;
    const place = device === undefined ? '' : ` on ${device}`;
    if (second) {
      const ids = found.map(({ id }) => id).join(', ');
      const detail = ref === undefined ? `${found.length} run${place}: ${ids}.` : `“${ref}” begins ${ids}.`;
      throw new BorealisError('SHELL_AMBIGUOUS', { detail, next: 'Name one with --attach ID.' });
    }
    throw new BorealisError('SHELL_NOT_FOUND', {
      detail: ref === undefined ? `None runs${place}.` : `“${ref}” is none that runs${place}.`,
      ...(ref === undefined && { next: `Start one with: borealisctl shell ${quoteForShell(device ?? '')}` }),
    });
  }

  #introduce(shell: Shell, readOnly: boolean, inputRecorded: boolean): void {
    const { out } = this;
    const others = [...new Set(shell.viewers.map(({ user }) => user))];
    const facts = [
      `${shell.id} on ${plain(shell.device)} as ${plain(shell.user)}`,
      ...(readOnly ? ['read-only'] : []),
      shell.recorded ? (inputRecorded ? 'recorded, with what is typed' : 'recorded') : 'not recorded',
      ...(others.length > 0 ? [`used by ${plain(others.join(', '))}`] : []),
    ];
    out.note(`Shell ${facts.join('; ')}. Ctrl-] d leaves it.`, 'dim');
  }
}

/** Errors: USAGE. */
const demandDevice = (device: string | undefined): string => {
  if (device !== undefined) return device;
  throw new BorealisError('USAGE', {
    detail: 'No device is given.',
    next: 'Name it: borealisctl shell DEVICE; or a shell that runs: borealisctl shell --attach ID',
  });
};

/** Errors: USAGE. */
const demandTerminal = (device = 'DEVICE'): void => {
  if (process.stdin.isTTY === true && process.stdout.isTTY === true) return;
  throw new BorealisError('USAGE', {
    detail: 'A shell needs a terminal, as standard input and as standard output.',
    next: `For scripts there is: borealisctl run ${quoteForShell(device)} -- COMMAND`,
  });
};
