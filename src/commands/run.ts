import { BorealisError } from '../protocol/errors.ts';
import { BorealisCommand } from './manner/command.ts';
import { anyNumber } from './manner/flags.ts';
import { quoteForShell, splitAtDashes } from './manner/words.ts';
import { readWork, workFlags } from './shown/work-flags.ts';

export default class Run extends BorealisCommand {
  static override summary = 'Run a command on devices now, its output streamed.';
  static override description =
    'The command is signed by the engine and run without a shell in between: for pipes and variables write sh -c. ' +
    'A device that is offline gets it when it returns, until --ttl is over. Ctrl-C cancels it. ' +
    'Ends with 1 where the command failed, 6 where it ran out of time, 8 where it failed on some of several devices.';
  static override usage = 'run DEVICE… [FLAGS] -- COMMAND…';
  static override examples = [
    'borealisctl run web-1 -- uptime',
    "borealisctl run web-1 db-1 -- sh -c 'df -h | tail -n +2'",
    'borealisctl run --tag env=prod --timeout 5m -- apt-get update',
    'borealisctl run --all --detach --ttl 7d -- systemctl restart chrony',
  ];
  static override args = { devices: anyNumber('Devices, by name, GUID or a unique prefix of either.') };
  static override flags = workFlags;
  static override operations = ['job.create', 'job.watch', 'job.cancel', 'job.show', 'device.show'] as const;

  async run(): Promise<void> {
    const { own, rest } = splitAtDashes(this.argv);
    const { args, flags } = await this.parse(Run, own);
    const { devices = [] } = args;
    if (!rest || rest.length === 0) throw noCommand(devices);
    const interrupted = this.untilInterrupted();
    const { runJob } = await import('./shown/job-run.ts');
    const input = { work: { kind: 'command', argv: rest }, ...readWork(devices, flags) } as const;
    const create = () => this.client.call('job.create', input);
    await runJob({ client: this.client, out: this.out, interrupted }, create, flags.detach);
  }
}

/** Most likely the `--` was forgotten. */
const noCommand = ([first = 'DEVICE', ...others]: readonly string[]): BorealisError =>
  new BorealisError('USAGE', {
    detail: 'The command is missing: it stands after a “--”.',
    next: `Write it like: borealisctl run ${quoteForShell(first)} -- ${others.map(quoteForShell).join(' ') || 'uptime'}`,
  });
