/** `borealis-agent`. Reads the command line and hands over. */
import { parseCommandLine } from './cli-arguments.ts';
import { doctorCommand } from './cli-doctor.ts';
import { enrollCommand } from './cli-enroll.ts';
import { printError, printJson, type Terminal } from './cli-output.ts';
import { runCommand } from './cli-run.ts';
import { statusCommand } from './cli-status.ts';
import { HELP, type Shell } from './cli-table.ts';
import { unenrollCommand } from './cli-unenroll.ts';
import { completionScript } from './completion.ts';
import { AGENT_VERSION } from './machine.ts';

async function main(args: readonly string[], terminal: Terminal, signal: AbortSignal): Promise<number> {
  try {
    const line = parseCommandLine(args, terminal.env);
    switch (line.command) {
      case 'help':
        terminal.stdout.write(HELP);
        break;
      case 'version':
        if (line.json) printJson(terminal, { version: AGENT_VERSION });
        else terminal.stdout.write(`borealis-agent ${AGENT_VERSION}\n`);
        break;
      case 'enroll':
        await enrollCommand(line, terminal, signal);
        break;
      case 'run':
        await runCommand(line, terminal, signal);
        break;
      case 'status':
        await statusCommand(line, terminal);
        break;
      case 'doctor':
        return await doctorCommand(line, terminal);
      case 'unenroll':
        await unenrollCommand(line, terminal);
        break;
      case 'completion':
        if (line.shell) completion(terminal, line.shell, line.json);
    }
    return 0;
  } catch (error) {
    return printError(terminal, error, args.includes('--json'));
  }
}

const completion = (terminal: Terminal, shell: Shell, json: boolean): void => {
  const script = completionScript(shell);
  if (json) printJson(terminal, { shell, script });
  else terminal.stdout.write(script);
};

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => stop.abort());
const { stdout, stderr, stdin, env, argv } = process;
main(argv.slice(2), { stdout, stderr, stdin, env }, stop.signal).then((code) => {
  process.exitCode = code;
  // Standard input, once read, would keep the process until its other end closes.
  stdin.destroy();
});
