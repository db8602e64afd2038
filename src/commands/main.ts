/** borealisctl. Finds the command in the table, loads that one alone and runs it. */
import { asksForJson } from './manner/command.ts';
import { programConfig } from './manner/config.ts';
import { failureOf, Output } from './manner/output.ts';
import { resolveCommand } from './manner/resolve.ts';
import { readTerminal } from './manner/terminal.ts';
import { commands } from './table.ts';

const main = async (argv: string[]): Promise<void> => {
  const end = argv.indexOf('--');
  const own = end < 0 ? argv : argv.slice(0, end);
  if (own[0] === '--version' || own[0] === 'version')
    return (await import('./manner/version.ts')).showVersion(argv);
  const meant = resolveCommand(own[0] === 'help' ? argv.slice(1) : argv, Object.keys(commands));
  if (own.includes('--help') || own.includes('-h') || own[0] === 'help' || meant.kind !== 'command') {
    return (await import('./manner/help.ts')).showHelp(meant, argv);
  }
  if (process.env.BOREALIS_HOST) {
    const { isLocal, runRemotely } = await import('./manner/remote.ts');
    if (!isLocal(meant.id)) return runRemotely(process.env.BOREALIS_HOST, argv);
  }
  const { default: command } = await commands[meant.id]!.load();
  command.id = meant.id;
  await command.start(meant.argv, programConfig());
};

/** What goes wrong before a command could take over. */
const fail = async (thrown: unknown): Promise<void> => {
  const argv = process.argv.slice(2);
  const terminal = readTerminal(process.env, argv.includes('--no-color'));
  const failure = await failureOf(thrown);
  new Output({ json: asksForJson(argv), quiet: false, terminal }).fail(failure);
  process.exitCode = failure.exit;
};

// Whoever read our output has gone, or the terminal that showed it: there is nobody left to work for. Node ignores SIGPIPE; who listens for it here
// has something to end first, and ends the process.
// oclif, once loaded, listens there too and throws what is not EPIPE.
process.stdout.removeAllListeners('error').on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
  if (!process.emit('SIGPIPE', 'SIGPIPE')) process.exit(0);
});
void main(process.argv.slice(2)).catch(fail);
