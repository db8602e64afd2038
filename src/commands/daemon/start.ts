import { string } from '@oclif/core/flags';
import { daemonFlags, enginePlace, plainEnvironment } from '../local/engine-place.ts';
import { startEngine } from '../local/engine-process.ts';
import { controlService, serviceUnit } from '../local/engine-service.ts';
import { BorealisCommand } from '../manner/command.ts';

export default class DaemonStart extends BorealisCommand {
  static override summary = 'Start the engine in the background and wait until it answers.';
  static override examples = [
    'borealisctl daemon start',
    'borealisctl daemon start --state ~/borealis --listen 0.0.0.0:9443',
  ];
  static override flags = {
    ...daemonFlags,
    listen: string({
      helpValue: 'HOST:PORT',
      summary: 'Where agents connect, this time; to keep it, set it in the file.',
    }),
    config: string({
      helpValue: 'FILE',
      summary: 'Its configuration instead of borealisd.toml in the state directory.',
    }),
  };
  static override operations = ['status.show'] as const;

  async run(): Promise<void> {
    const { flags } = await this.parse(DaemonStart);
    const place = enginePlace(flags, process.env);
    const unit = await serviceUnit(place.state);
    if (unit) await controlService('start', unit);
    const { status, already } = await startEngine({ ...place, env: plainEnvironment(process.env) });
    const { version, pid, state_directory } = status;
    this.out.done(
      { started: !already, version, pid, state_directory, socket: place.socket, listeners: status.listeners },
      already
        ? `The engine runs already: process ${pid}, state ${state_directory}.`
        : `The engine runs: process ${pid}, version ${version}, state ${state_directory}.`,
    );
    if (!already) this.out.note('See it with: borealisctl status');
  }
}
