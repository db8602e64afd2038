import { boolean } from '@oclif/core/flags';
import { type ServiceStatus, systemServices } from '../../sys/service.ts';
import { BorealisCommand } from '../manner/command.ts';
import { plain } from '../manner/text.ts';

export default class ServiceStatusCommand extends BorealisCommand {
  static override summary = 'Show whether engine or agent is installed as a service, and how it is.';
  static override examples = ['borealisctl service status', 'borealisctl service status --agent --json'];
  static override flags = {
    agent: boolean({ summary: 'The agent of this machine instead of the engine.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(ServiceStatusCommand);
    const status = await systemServices().status(flags.agent ? 'agent' : 'engine');
    if (this.out.json) return this.out.document(status);
    if (!status.installed) {
      this.out.line(`The ${status.role} is not installed as a service.`);
      return this.out.note(`Install it: sudo borealisctl service install${flags.agent ? ' --agent' : ''}`);
    }
    this.out.lines(describe(status));
    if (!status.active) this.out.note(`See why: journalctl --unit ${status.unit}`);
  }
}

const describe = (status: ServiceStatus): string[] => {
  const restarts = status.restarts === 0 ? '' : `, brought back ${status.restarts} times`;
  const rows: readonly (readonly [string, string | null])[] = [
    ['unit', status.unit],
    ['state', `${status.state}${restarts}`],
    ['since', status.since],
    ['at boot', status.enabled ? 'starts' : 'does not start'],
    ['process', status.pid === null ? null : `${status.pid} as ${status.user}`],
    ['says', status.status_text],
    ['state directory', status.state_directory],
    ['program', status.program === null ? null : `${status.program}, version ${status.version}`],
  ];
  return rows
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name.padEnd(17)}${plain(value ?? '')}`);
};
