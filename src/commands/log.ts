import { boolean, integer, option, string } from '@oclif/core/flags';
import { BorealisCommand } from './manner/command.ts';
import { logText } from './shown/log-line.ts';

export default class Log extends BorealisCommand {
  static override summary = "Show the last lines of the engine's log, and follow it.";
  static override description = 'Errors are shown by their message; --json has their stacks too.';
  static override examples = [
    'borealisctl log',
    'borealisctl log --follow --level warn',
    'borealisctl log --component trust --lines 500',
    'borealisctl log --json | jq .msg',
  ];
  static override flags = {
    follow: boolean({ char: 'f', summary: 'Go on with new lines until Ctrl-C.' }),
    lines: integer({
      char: 'n',
      min: 0,
      max: 100_000,
      helpValue: 'N',
      summary: 'How many of the last; 100 unless told.',
    }),
    component: string({ helpValue: 'NAME', summary: 'Only those of this component.' }),
    level: option({
      options: ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const,
      summary: 'Only those of this level and above.',
    })(),
  };
  static override operations = ['log.read'] as const;

  async run(): Promise<void> {
    const { follow, lines, component, level } = (await this.parse(Log)).flags;
    const wanted = {
      ...(follow && { follow }),
      ...(lines !== undefined && { lines }),
      ...(component !== undefined && { component }),
      ...(level && { level }),
    };
    for await (const line of this.client.stream('log.read', wanted, this.untilInterrupted())) {
      if (this.out.json) this.out.record(line);
      else this.out.line(logText(this.out, line));
    }
    if (!follow) this.cutShort();
  }
}
