import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { enginePlace, plainEnvironment } from '../local/engine-place.ts';
import { engineEnvironment } from '../local/engine-process.ts';
import { nodeFlagsOf, programOf } from '../local/spawn.ts';
import { BorealisCommand } from '../manner/command.ts';
import DaemonStart from './start.ts';

export default class DaemonRun extends BorealisCommand {
  static override summary = 'Run the engine in the foreground; it prints its log until Ctrl-C.';
  static override description = 'With --json too it prints nothing but its log, one JSON object a line.';
  static override examples = [
    'borealisctl daemon run',
    'borealisctl daemon run --state /tmp/try --listen 127.0.0.1:9443',
  ];
  static override flags = DaemonStart.flags;

  async run(): Promise<void> {
    const { flags } = await this.parse(DaemonRun);
    const { state, socket, args } = enginePlace(flags, process.env);
    const engine = spawn(
      process.execPath,
      [...nodeFlagsOf('borealisd'), programOf('borealisd'), '--state', state, '--socket', socket, ...args],
      {
        stdio: 'inherit',
        env: engineEnvironment(plainEnvironment(process.env)),
      },
    );
    // The terminal's Ctrl-C reaches the engine by itself; what is sent to us alone is passed on.
    const pass = (signal: NodeJS.Signals): void => void engine.kill(signal);
    const stay = (): void => {};
    process
      .on('SIGTERM', pass)
      .on('SIGHUP', pass)
      .on('SIGINT', process.stdin.isTTY ? stay : pass);
    const [code] = (await once(engine, 'exit')) as [number | null];
    process.exitCode = code ?? 1;
  }
}
