import { enginePlace, plainEnvironment } from '../local/engine-place.ts';
import { startEngine, stopEngine } from '../local/engine-process.ts';
import { controlService, serviceUnit } from '../local/engine-service.ts';
import { BorealisCommand } from '../manner/command.ts';
import DaemonStart from './start.ts';

export default class DaemonRestart extends BorealisCommand {
  static override summary = 'Stop the engine, start it again and wait until it answers.';
  static override description =
    'Agents come back by themselves. Flags that it was started with are not remembered; settings in its file are.';
  static override examples = ['borealisctl daemon restart'];
  static override flags = DaemonStart.flags;
  static override operations = ['engine.stop', 'status.show'] as const;

  async run(): Promise<void> {
    const { flags } = await this.parse(DaemonRestart);
    const place = enginePlace(flags, process.env);
    const unit = await serviceUnit(place.state);
    let before: number | null = null;
    if (unit) await controlService('restart', unit);
    else before = await stopEngine(place.state, place.socket);
    const { status } = await startEngine({ ...place, env: plainEnvironment(process.env) });
    const { version, pid, state_directory } = status;
    this.out.done(
      {
        previous_pid: before,
        version,
        pid,
        state_directory,
        socket: place.socket,
        listeners: status.listeners,
      },
      `The engine runs${before === null ? '' : ' again'}: process ${pid}, version ${version}, state ${state_directory}.`,
    );
  }
}
