/** What every command is: an oclif command that asks the engine and prints, with the manners of the whole CLI. */
import { Command } from '@oclif/core/command';
import type { FlagInput, Input, ParserOutput } from '@oclif/core/interfaces';
import { Client } from '../../client/client.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { EventType } from '../../protocol/event.ts';
import type { OperationName } from '../../protocol/operations.ts';
import { type Format, globalFlags } from './flags.ts';
import { failureOf, Output } from './output.ts';
import { findSocket } from './program.ts';
import type { Column } from './table.ts';
import { readTerminal } from './terminal.ts';

export interface ListView<T> {
  readonly columns: readonly Column<T>[];
  /** What `--output name` prints. */
  readonly name: (item: T) => string;
  /** Said where there is nothing to list; with what to do about it. */
  readonly empty: string;
}

/** oclif's own names for it are not exported. */
type Values = Record<string, unknown>;

interface GlobalFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly yes?: boolean;
  readonly 'no-color'?: boolean;
  readonly socket?: string | undefined;
}

export abstract class BorealisCommand extends Command {
  static override baseFlags = globalFlags;
  static override flags: FlagInput = {};
  /** Operations of the local API that it calls. */
  static operations: readonly OperationName[] = [];

  #output: Output | undefined;
  #global: GlobalFlags = {};
  #client: Client | undefined;
  #interruptedBy: NodeJS.Signals | undefined;

  static async start(
    this: new (
      ...args: ConstructorParameters<typeof BorealisCommand>
    ) => BorealisCommand,
    ...args: ConstructorParameters<typeof BorealisCommand>
  ): Promise<void> {
    await new this(...args)._run();
  }

  /** oclif's own looks for deprecations, and for them at every command. */
  protected override async init(): Promise<void> {}

  protected override async parse<F extends Values, B extends Values, A extends Values>(
    options?: Input<F, B, A>,
    argv = this.argv,
  ): Promise<ParserOutput<F, B, A>> {
    const parsed = await super.parse<F, B, A>(options, argv);
    this.#global = parsed.flags as GlobalFlags;
    return parsed;
  }

  protected get out(): Output {
    this.#output ??= new Output({
      json: this.#global.json ?? asksForJson(this.argv),
      quiet: this.#global.quiet ?? false,
      terminal: readTerminal(process.env, this.#global['no-color'] ?? this.argv.includes('--no-color')),
    });
    return this.#output;
  }

  protected get client(): Client {
    this.#client ??= new Client(findSocket(this.#global.socket, process.env));
    return this.#client;
  }

  /** Aborted by the first Ctrl-C or SIGTERM; the second ends the process at once. */
  protected untilInterrupted(): AbortSignal {
    const controller = new AbortController();
    const heard = (signal: NodeJS.Signals): void => {
      if (controller.signal.aborted) process.exit(exitOfInterrupt(signal));
      this.#interruptedBy = signal;
      controller.abort();
    };
    process.on('SIGINT', heard).on('SIGTERM', heard);
    return controller.signal;
  }

  /** Work that Ctrl-C has cut short ends as the shell's convention has it; a watch, which has no other end, is done. */
  protected cutShort(): void {
    if (this.#interruptedBy) process.exitCode = exitOfInterrupt(this.#interruptedBy);
  }

  protected async list<T>(items: readonly T[], view: ListView<T>, format?: Format): Promise<void> {
    const { showList } = await import('./list.ts');
    showList(this.out, items, view, format);
  }

  /** One thing: its document, or what `render` makes of it; kept current where `events` says what changes it. */
  protected async show<T>(
    fetch: () => Promise<T>,
    render: (value: T) => string[],
    events?: readonly EventType[],
  ): Promise<void> {
    if (events) {
      const { keepCurrent } = await import('./live.ts');
      return keepCurrent(this.out, this.client, this.untilInterrupted(), { fetch, render, events });
    }
    const value = await fetch();
    if (this.out.json) this.out.document(value);
    else this.out.lines(render(value));
  }

  protected async watchList<T>(
    fetch: () => Promise<readonly T[]>,
    view: ListView<T>,
    events: readonly EventType[],
  ): Promise<void> {
    const { listLines } = await import('./list.ts');
    const render = (items: readonly T[]) =>
      items.length === 0 ? [view.empty] : listLines(this.out, items, view);
    await this.show(fetch, render, events);
  }

  /**
   * `spelledOut`: the command line names the one thing that is meant, so that a script, which nobody watches, may go on.
   * Errors: USAGE where nobody is there to be asked; CANCELLED where the answer is no.
   */
  protected async confirm(question: string, spelledOut = false): Promise<void> {
    if (this.#global.yes) return;
    if (!this.out.terminal.canAsk || this.out.json) {
      // Somebody sits at the dashboard, who is asked there.
      if (spelledOut && !process.env.BOREALIS_ASKED_BY_DASHBOARD) return;
      throw new BorealisError('USAGE', {
        detail: `${question} That must be confirmed.`,
        next: 'Add --yes to confirm it.',
      });
    }
    const { ask } = await import('./prompt.ts');
    const answer = await ask(`${question} Go on? [y/N] `);
    if (!/^y(es)?$/i.test(answer.trim()))
      throw new BorealisError('CANCELLED', { detail: 'Nothing was changed.' });
  }

  async #asTyped(thrown: unknown): Promise<unknown> {
    // Of Node's streams, which were told to stop.
    if (this.#interruptedBy && thrown instanceof Error && thrown.name === 'AbortError')
      return new BorealisError('CANCELLED', { cause: thrown });
    if (!(thrown instanceof BorealisError) || thrown.code !== 'INVALID_INPUT') return thrown;
    return (await import('./typed.ts')).asTyped(thrown, this.ctor, this.id);
  }

  protected override async catch(thrown: unknown): Promise<void> {
    const failure = await failureOf(await this.#asTyped(thrown), this.id);
    this.out.fail(failure);
    process.exitCode = wasInterrupted(thrown) ? exitOfInterrupt('SIGINT') : failure.exit;
    this.cutShort();
  }
}

const exitOfInterrupt = (signal: NodeJS.Signals): number => (signal === 'SIGINT' ? 130 : 143);
/** A question that was answered with Ctrl-C. */
const wasInterrupted = (thrown: unknown): boolean =>
  thrown instanceof BorealisError && thrown.cause === 'SIGINT';

/** Whether --json stands before a `--`. */
export const asksForJson = (argv: readonly string[]): boolean => {
  const end = argv.indexOf('--');
  const index = argv.indexOf('--json');
  return index >= 0 && (end < 0 || index < end);
};
