import { boolean } from '@oclif/core/flags';
import { systemServices } from '../../sys/service.ts';
import { BorealisCommand } from '../manner/command.ts';

export default class ServiceUninstall extends BorealisCommand {
  static override summary = 'Remove the service of engine or agent without a trace.';
  static override description =
    'Stops it and removes unit, drop-ins, program, links and user. Its state stays, for root alone, unless --purge is given.';
  static override examples = [
    'sudo borealisctl service uninstall',
    'sudo borealisctl service uninstall --agent --purge',
  ];
  static override flags = {
    agent: boolean({ summary: 'The agent of this machine instead of the engine.' }),
    purge: boolean({ summary: 'Delete its state too: keys, devices, history. There is no way back.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(ServiceUninstall);
    const role = flags.agent ? 'agent' : 'engine';
    const services = systemServices({ onStep: (step) => this.out.note(step) });
    const before = await services.status(role);
    if (flags.purge) {
      await this.confirm(
        `This deletes the ${role} and all of its state${stateOf(before.state_directory)} for good.`,
      );
    }
    await services.uninstall({ role, purge: flags.purge });
    const kept =
      flags.purge || before.state_directory === null
        ? ''
        : ` Its state is kept in ${before.state_directory}.`;
    this.out.done(
      await services.status(role),
      before.installed
        ? `The ${role} is no longer installed.${kept}`
        : `The ${role} was not installed as a service.`,
    );
  }
}

const stateOf = (directory: string | null): string => (directory === null ? '' : ` in ${directory}`);
