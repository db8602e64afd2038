import { boolean, string } from '@oclif/core/flags';
import { type ServiceStatus, systemServices } from '../../sys/service.ts';
import { SYSTEM_ENGINE_STATE } from '../../sys/state-paths.ts';
import { BorealisCommand } from '../manner/command.ts';
import { programRoot } from '../manner/program.ts';

export default class ServiceInstall extends BorealisCommand {
  static override summary = 'Install engine or agent as a service that starts at boot.';
  static override description =
    'Copies the program to /opt/borealis, makes the user borealis for the engine, writes the systemd unit and starts it. ' +
    'Run it again to upgrade. The agent runs as root, because it must be able to act as root.';
  static override examples = [
    'sudo borealisctl service install',
    'sudo borealisctl service install --agent',
    'sudo borealisctl service install --state /srv/borealis',
  ];
  static override flags = {
    agent: boolean({ summary: 'The agent of this machine instead of the engine.' }),
    state: string({ helpValue: 'DIR', summary: 'Keep its state there instead of below /var/lib.' }),
    user: string({ helpValue: 'NAME', exclusive: ['agent'], summary: 'Run the engine as this user.' }),
    start: boolean({ allowNo: true, default: true, summary: 'Start it now, and not only at boot.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(ServiceInstall);
    const services = systemServices({ onStep: (step) => this.out.note(step) });
    const status = await services.install({
      role: flags.agent ? 'agent' : 'engine',
      programRoot: programRoot(),
      state: flags.state,
      user: flags.user,
      start: flags.start,
    });
    this.out.done(
      status,
      `The ${status.role} is installed${status.active ? ', runs' : ''} and starts at boot.`,
    );
    for (const hint of hints(status)) this.out.note(hint);
  }
}

const hints = ({ role, active, user, unit, state_directory: state }: ServiceStatus): string[] => {
  if (role === 'engine') {
    return [
      ...(state === SYSTEM_ENGINE_STATE ? [] : [`Operate it with: export BOREALIS_STATE=${state}`]),
      `Let somebody in: usermod --append --groups ${user} NAME, then: borealisctl user grant NAME operator`,
      'Enrol a device: borealisctl code create',
    ];
  }
  return active ? [] : [`It serves once it is enrolled: borealis-agent enroll - && systemctl start ${unit}`];
};
