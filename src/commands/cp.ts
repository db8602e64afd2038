import { boolean } from '@oclif/core/flags';
import { EXIT } from '../protocol/errors.ts';
import { BorealisCommand } from './manner/command.ts';
import { anyNumber } from './manner/flags.ts';
import { bytes, plural } from './manner/size.ts';
import { plain } from './manner/text.ts';
import { took } from './manner/time.ts';

export default class Cp extends BorealisCommand {
  static override summary = 'Copy files and directories to or from a device, through its tunnel.';
  static override description =
    'What is on a device is written DEVICE:PATH; a path that does not begin with / begins in the home of its agent’s user, ' +
    'root. As with cp, it goes into the destination where that is a directory, and becomes it otherwise; directories are ' +
    'copied with everything in them. Each file is checked by its SHA-256 and gets its name when it is whole, with mode and ' +
    'time of the original. New files belong to root there, replaced ones keep their owner; set-user-ID bits are not copied. ' +
    'Links are copied as links, those that lead out of what is copied are left out, like devices, pipes and sockets. ' +
    'What is interrupted goes on by itself, or when the same command is run again; what is there already is not sent again. ' +
    'Ends with 8 where some of the files could not be copied, with 1 where none could.';
  static override usage = '<%= command.id %> SRC… DST [FLAGS]';
  static override examples = [
    'borealisctl cp site.tar.gz web-1:/srv/',
    'borealisctl cp web-1:/var/log/nginx ./logs-of-web-1',
    'borealisctl cp a.conf b.conf web-1:/etc/app/ --json',
  ];
  static override args = { paths: anyNumber('What to copy, one or more, and where to.') };
  static override flags = {
    recursive: boolean({ char: 'r', summary: 'As without it; for those who are used to it.' }),
  };
  static override operations = ['copy.open', 'tunnel.activity'] as const;

  async run(): Promise<void> {
    const { paths = [] } = (await this.parse(Cp)).args;
    const { client, out } = this;
    const interrupted = this.untilInterrupted();
    const { planCopy } = await import('./local/copy/endpoints.ts');
    const plan = planCopy(paths);
    const { transfer } = await import('./local/copy/transfer.ts');
    const { Tally } = await import('./local/copy/tally.ts');
    const tally = new Tally(out);
    const started = performance.now();
    const { device, guid, connections } = await transfer({ client, out, tally, interrupted }, plan).finally(
      () => tally.clear(),
    );
    const duration = performance.now() - started;
    const { files, unchanged, links, transferred, problems, failed, leftOut } = tally;
    const document = {
      direction: plan.direction,
      device,
      guid,
      sources: paths.slice(0, -1),
      destination: paths.at(-1),
      files,
      unchanged,
      links,
      bytes: tally.bytes,
      transferred_bytes: transferred,
      connections,
      duration_ms: Math.round(duration),
      failed,
      left_out: leftOut,
      problems,
    };
    const speed = (transferred * 1_000) / Math.max(1, duration);
    const notes = [
      ...(unchanged > 0 ? [`${unchanged} unchanged`] : []),
      ...(failed > 0 ? [`${plural(failed, 'entry', 'entries')} could not be copied`] : []),
      ...(leftOut > 0 ? [`${leftOut} left out`] : []),
    ];
    const whither = plan.direction === 'to_device' ? 'to' : 'from';
    out.done(
      document,
      `${plural(files, 'file')} (${bytes(tally.bytes)}) ${whither} ${plain(device)} in ${took(duration)}, ` +
        `${bytes(speed)}/s${notes.length > 0 ? `; ${notes.join(', ')}` : ''}.`,
    );
    if (failed > 0) process.exitCode = files + links > 0 ? EXIT.partial : EXIT.failed;
  }
}
