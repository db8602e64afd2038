import { resolve } from 'node:path';
import { boolean } from '@oclif/core/flags';
import { BorealisCommand } from '../manner/command.ts';
import { required } from '../manner/flags.ts';
import { demandRoom, writeNewFile } from '../manner/new-file.ts';
import { Pace } from '../manner/pace.ts';
import { Progress } from '../manner/progress.ts';
import { bytes } from '../manner/size.ts';

export default class SessionExport extends BorealisCommand {
  static override summary = 'Write a recorded session to a file that asciinema plays (asciicast v2).';
  static override description =
    'Only you may read the file: what was shown may hold secrets. Of a session that still runs it is what there is so far. ' +
    'The engine checks all of a recording before it gives the first byte of it, and records who took it.';
  static override examples = [
    'borealisctl session export k3jd work.cast',
    'borealisctl session export k3jd work.cast --force',
    'borealisctl session export k3jd - | asciinema cat -',
  ];
  static override args = {
    session: required('Id of the session, which is that of its shell, or a unique prefix.'),
    file: required('The file to write; - is standard output.'),
  };
  static override flags = { force: boolean({ summary: 'Take the place of a file that is there.' }) };
  static override operations = ['session.show', 'session.read'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SessionExport);
    const { client, out } = this;
    const signal = this.untilInterrupted();
    const read = (session: string) => client.download('session.read', { session }, { signal });
    if (args.file === '-') {
      const { pipeline } = await import('node:stream/promises');
      return pipeline(await read(args.session), process.stdout, { end: false });
    }
    const file = resolve(args.file);
    await demandRoom(file, flags.force);
    const session = await client.call('session.show', { session: args.session });
    const progress = new Progress(out);
    const pace = new Pace();
    // Of a session that still runs there may be more by then.
    const total = session.state === 'complete' ? session.bytes : undefined;
    const onBytes = (count: number) => progress.show(() => `Writing: ${pace.text(count, total)}`);
    const size = await writeNewFile(file, await read(session.id), { replace: flags.force, onBytes, signal });
    progress.clear();
    out.done({ file, file_bytes: size, session }, `Wrote ${file} (${bytes(size)}).`);
    out.note(`Play it with: asciinema play ${args.file}`, 'dim');
  }
}
