import { string } from '@oclif/core/flags';
import { Client } from '../../client/client.ts';
import { offeredNext } from '../local/completion/offered.ts';
import { BorealisCommand } from '../manner/command.ts';
import { findSocket } from '../manner/program.ts';
import { plain } from '../manner/text.ts';
import { splitAtDashes } from '../manner/words.ts';

export default class CompletionNames extends BorealisCommand {
  static override summary = 'Names and ids that can follow in a command line, for completion.';
  static override description =
    'What follows “--” is the command line without its program, up to the word that is being written. One a line, a tab ' +
    'and what tells it from the others.';
  static override usage = 'completion names [--begins TEXT] -- WORD…';
  static override hidden = true;
  static override examples = ['borealisctl completion names --begins up -- script run'];
  static override flags = {
    begins: string({ default: '', helpValue: 'TEXT', summary: 'What has been written of the word.' }),
  };
  static override operations = [
    'approval.list',
    'code.list',
    'config.show',
    'connection.list',
    'device.groups',
    'device.names',
    'job.list',
    'script.list',
    'session.list',
    'shell.list',
    'user.list',
    'vpn.list',
  ] as const;

  async run(): Promise<void> {
    const { own, rest: words = [] } = splitAtDashes(this.argv);
    const { begins, socket } = (await this.parse(CompletionNames, own)).flags;
    // The command line that is being written may name another engine.
    const at = words.indexOf('--socket');
    const client = new Client(findSocket(at < 0 ? socket : words[at + 1], process.env));
    const offered = await offeredNext(client, words, begins);
    if (this.out.json) return this.out.document(offered);
    this.out.lines(offered.map(({ word, note }) => [word, note].filter(Boolean).map(plain).join('\t')));
  }
}
