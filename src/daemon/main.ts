/** borealisd: command line, signals and exit code around an engine. */
import { BorealisError } from '../protocol/errors.ts';
import { VERSION } from '../protocol/version.ts';
import { systemClock } from '../sys/clock.ts';
import { createNotifier, type Notifier } from '../sys/notify.ts';
import { stateError } from '../sys/state-errors.ts';
import { type DaemonArguments, readArguments, USAGE } from './arguments.ts';
import type { End } from './assemble.ts';
import { type Engine, startEngine } from './engine.ts';

/** Past this, what still drains is cut off. */
const CLOSE_MS = 4_500;

const main = async (): Promise<void> => {
  const given = readArguments(process.argv.slice(2), process.env);
  if (given.help) return void process.stdout.write(USAGE);
  if (given.version) return void process.stdout.write(`borealisd ${VERSION}\n`);
  process.umask(0o077);
  const notifier = createNotifier(process.env);
  const watched: Watched = { engine: undefined };
  while ((await run(given, notifier, watched)) === 'restart');
  notifier.close();
};

/** Whose signs of life systemd is told; none for the moment between one engine and the next in the same process. */
interface Watched {
  engine: Engine | undefined;
}

/** One engine, from its start to its end. */
const run = async (given: DaemonArguments, notifier: Notifier, watched: Watched): Promise<End> => {
  const signals = listenForSignals(() => watched.engine !== undefined);
  try {
    const engine = await startEngine({
      state: given.state,
      config: given.config,
      flags: given.flags,
      env: process.env,
      clock: systemClock,
      // In the background nobody reads it, and a file of it would only grow; what went wrong at the start is still told.
      ...(process.env.BOREALIS_BACKGROUND !== '1' && { echo: process.stderr }),
      checkOutput: process.env.BOREALIS_CHECK_OUTPUT === '1',
    });
    const failed = (error: unknown): void => die(engine, error);
    process.once('uncaughtException', failed);
    notifier.ready();
    watched.engine = engine;
    notifier.startWatchdog(() => watched.engine?.isAlive() ?? true);
    const end = await Promise.race([engine.asked, signals.first]);
    // Said before a restart within the process, it would have systemd wait for an end that does not come.
    if (end === 'stop') notifier.stopping();
    engine.log.info({ component: 'engine', how: end }, 'stopping');
    watched.engine = undefined;
    const cutOff = setTimeout(() => process.exit(end === 'stop' ? 0 : 1), CLOSE_MS).unref();
    await engine.close();
    clearTimeout(cutOff);
    process.off('uncaughtException', failed);
    return end;
  } finally {
    signals.close();
  }
};

/** An error that nobody expected leaves the process in no known state: it is told, and the service manager starts anew. */
const die = (engine: Engine, error: unknown): void => {
  engine.log.fatal({ component: 'engine', err: error }, 'the engine failed');
  process.exit(1);
};

/** `first` resolves with the first SIGTERM or SIGINT; the second ends the process at once. */
const listenForSignals = (serves: () => boolean): { first: Promise<End>; close(): void } => {
  const { promise, resolve } = Promise.withResolvers<End>();
  let asked = false;
  const heard = (signal: NodeJS.Signals): void => {
    const end = (): never => process.exit(signal === 'SIGINT' ? 130 : 143);
    if (asked) end();
    asked = true;
    resolve('stop');
    // A start that hangs (a dead network file system, say) must not hold up the end.
    if (!serves()) setTimeout(end, CLOSE_MS).unref();
  };
  process.on('SIGTERM', heard).on('SIGINT', heard);
  return {
    first: promise,
    close: () => void process.off('SIGTERM', heard).off('SIGINT', heard),
  };
};

/** What the operating system refuses is for the operator to mend; anything else is a fault, told with its stack. */
const asStartError = (error: unknown): BorealisError | undefined => {
  if (error instanceof BorealisError) return error;
  const told = stateError(error);
  if (told) return told;
  if (!(error instanceof Error && 'syscall' in error)) return undefined;
  return new BorealisError('COMMAND_FAILED', {
    detail: `${error.message}.`,
    next: 'Correct the path or its owner and mode, then start again.',
    cause: error,
  });
};

main().catch((error: unknown) => {
  const told = asStartError(error);
  if (!told) throw error;
  process.stderr.write(`borealisd: ${told.message}\nNext: ${told.next}\n`);
  process.exit(told.exit);
});
