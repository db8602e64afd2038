import { daemonFlags, enginePlace } from '../local/engine-place.ts';
import { stopEngine } from '../local/engine-process.ts';
import { controlService, serviceUnit } from '../local/engine-service.ts';
import { BorealisCommand } from '../manner/command.ts';

export default class DaemonStop extends BorealisCommand {
  static override summary = 'Stop the engine and wait until it has ended.';
  static override examples = ['borealisctl daemon stop'];
  static override flags = daemonFlags;
  static override operations = ['engine.stop'] as const;

  async run(): Promise<void> {
    const { flags } = await this.parse(DaemonStop);
    const { state, socket } = enginePlace(flags, process.env);
    const unit = await serviceUnit(state);
    if (unit) await controlService('stop', unit);
    const pid = await stopEngine(state, socket);
    const sentence = unit ? `The service ${unit} is stopped.` : `The engine, process ${pid}, has ended.`;
    this.out.done(
      { stopped: unit !== null || pid !== null, pid, state_directory: state },
      unit || pid !== null ? sentence : `No engine runs on ${state}.`,
    );
  }
}
