import { string } from '@oclif/core/flags';
import type { OutputOf } from '../../protocol/operations.ts';
import { BorealisCommand } from '../manner/command.ts';
import { required } from '../manner/flags.ts';
import type { Output } from '../manner/output.ts';
import { Progress } from '../manner/progress.ts';
import { plural } from '../manner/size.ts';
import { plain } from '../manner/text.ts';
import { position } from '../shown/session.ts';

export default class SessionSearch extends BorealisCommand {
  static override summary = 'Find text in what recorded sessions showed, newest session first.';
  static override description =
    'Upper and lower case are the same. Each line is told once for a session, with how long after its beginning it was ' +
    'shown: replay it from there with --from. That somebody searched is on record, not for what.';
  static override examples = [
    'borealisctl session search "permission denied"',
    'borealisctl session search systemctl --device web-1 --json',
  ];
  static override args = { text: required('The text to look for.') };
  static override flags = {
    device: string({ helpValue: 'DEVICE', summary: 'Only in sessions on this device.' }),
  };
  static override operations = ['session.search'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SessionSearch);
    const { client, out } = this;
    const signal = this.untilInterrupted();
    const { device } = flags;
    const wanted = { text: args.text, ...(device !== undefined && { device }) };
    const progress = new Progress(out);
    const shown = new Findings(out, args.text);
    for await (const found of client.stream('session.search', wanted, signal)) {
      progress.clear();
      if (out.json) out.record(found);
      else shown.add(found);
      shown.count += 1;
      progress.show(() => `${plural(shown.count, 'line')} so far`);
    }
    progress.clear();
    this.cutShort();
    if (shown.count === 0 && !signal.aborted) out.note('Nothing recorded shows that.');
  }
}

/** Lines below the session that showed them. */
class Findings {
  count = 0;
  readonly #out: Output;
  readonly #text: string;
  #session = '';

  constructor(out: Output, text: string) {
    this.#out = out;
    this.#text = text.toLowerCase();
  }

  add({ recording, at, line }: OutputOf<'session.search'>): void {
    const { paint } = this.#out;
    if (recording.id !== this.#session) {
      const { id, device, user, started_by: by, started_at: started } = recording;
      if (this.#session !== '') this.#out.line();
      this.#session = id;
      const facts = `${plain(device)}, as ${plain(user)}, by ${plain(by)}, ${this.#out.time(started)}`;
      this.#out.line(`${paint('bold', id)}  ${paint('dim', facts)}`);
    }
    this.#out.line(`  ${paint('dim', position(at).padStart(8))}  ${this.#marked(plain(line.trim()))}`);
  }

  /** Letters whose lower case is longer than they are would shift it: then nothing is marked. */
  #marked(line: string): string {
    const lower = line.toLowerCase();
    const at = lower.length === line.length ? lower.indexOf(this.#text) : -1;
    if (at < 0) return line;
    const end = at + this.#text.length;
    return line.slice(0, at) + this.#out.paint('bold', line.slice(at, end)) + line.slice(end);
  }
}
