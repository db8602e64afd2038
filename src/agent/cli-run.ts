/** `borealis-agent run`: in the foreground until the signal is aborted. Nothing but logs is printed. */
import { once } from 'node:events';
import { systemClock } from '../sys/clock.ts';
import { ensurePrivateDirectory } from '../sys/files.ts';
import { createNotifier } from '../sys/notify.ts';
import type { CommandLine } from './cli-arguments.ts';
import type { Terminal } from './cli-output.ts';
import { loadConfig } from './config.ts';
import { AgentLogFile } from './log.ts';
import { AGENT_VERSION } from './machine.ts';
import { serve } from './serve.ts';
import { logDirectory } from './state.ts';

export async function runCommand(line: CommandLine, terminal: Terminal, signal: AbortSignal): Promise<void> {
  const { state, config, unknown } = loadConfig({ state: line.state, file: line.config, env: terminal.env });
  await ensurePrivateDirectory(state);
  await ensurePrivateDirectory(logDirectory(state));
  const file = new AgentLogFile({
    directory: logDirectory(state),
    level: config.log_level,
    days: config.log_retention_days,
    clock: systemClock,
    // In the background nobody reads it, and a file of it would only grow.
    echo: terminal.env.BOREALIS_BACKGROUND === '1' ? { write: () => true } : terminal.stderr,
  });
  for (const { key, nearest } of unknown)
    file.log.warn({ variable: key, nearest }, 'there is no such variable, so it is left out');
  const notifier = createNotifier(process.env);
  try {
    const served = await serve({
      state,
      config,
      context: line.context,
      env: terminal.env,
      clock: systemClock,
      logFor: (context) => file.log.child({ context }),
    });
    file.log.info({ version: AGENT_VERSION, pid: process.pid, state }, 'the agent serves');
    notifier.ready();
    notifier.startWatchdog(() => true);
    if (!signal.aborted) await once(signal, 'abort');
    notifier.stopping();
    file.log.info('the agent stops');
    await served.close();
  } finally {
    notifier.close();
    file.close();
  }
}
