import { BorealisCommand } from '../manner/command.ts';
import { anyNumber, required } from '../manner/flags.ts';
import { splitAtDashes } from '../manner/words.ts';
import { readWork, workFlags } from '../shown/work-flags.ts';

export default class ScriptRun extends BorealisCommand {
  static override summary = 'Run a stored script on devices, its output streamed.';
  static override description =
    'What follows “--” are arguments of the script. Otherwise as `run`: offline devices get it when they return, ' +
    'Ctrl-C cancels it, and it ends with 1, 6 or 8 where it did not succeed.';
  static override usage = 'script run SCRIPT DEVICE… [FLAGS] [-- ARGUMENTS…]';
  static override examples = [
    'borealisctl script run cleanup web-1',
    'borealisctl script run report --site berlin -- --since yesterday',
  ];
  static override args = {
    script: required('Name of the script.'),
    devices: anyNumber('Devices, by name, GUID or a unique prefix of either.'),
  };
  static override flags = workFlags;
  static override operations = ['job.create', 'job.watch', 'job.cancel', 'job.show', 'device.show'] as const;

  async run(): Promise<void> {
    const { own, rest = [] } = splitAtDashes(this.argv);
    const { args, flags } = await this.parse(ScriptRun, own);
    const interrupted = this.untilInterrupted();
    const { runJob } = await import('../shown/job-run.ts');
    const work = { kind: 'script', script: args.script, arguments: rest } as const;
    const input = { work, ...readWork(args.devices ?? [], flags) };
    const create = () => this.client.call('job.create', input);
    await runJob({ client: this.client, out: this.out, interrupted }, create, flags.detach);
  }
}
