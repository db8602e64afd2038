import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { boolean, option, string } from '@oclif/core/flags';
import { BorealisCommand } from '../manner/command.ts';
import { connectionArg, vpnArg } from '../manner/flags.ts';
import { demandRoom, writeNewFile } from '../manner/new-file.ts';

export default class ConnectionConfig extends BorealisCommand {
  static override summary = 'The configuration for the WireGuard of a client; its private key is shown once.';
  static override description =
    'The key is made now and kept nowhere: whoever needs the configuration again gets another key with --new-key, and the ' +
    'one before is of no use from then on. A file can be read by you alone.';
  static override examples = [
    'borealisctl connection config office ada --file ada.conf',
    "borealisctl connection config office ada --new-key | ssh laptop 'umask 077; cat >/etc/wireguard/office.conf'",
    'borealisctl connection config office berlin --format wg --file berlin.conf',
  ];
  static override args = { vpn: vpnArg, connection: connectionArg };
  static override flags = {
    file: string({ helpValue: 'FILE', summary: 'Write it there instead of showing it.' }),
    force: boolean({ summary: 'Take the place of a file that is there.' }),
    'new-key': boolean({ summary: 'With another key; the one before is of no use any more.' }),
    preview: boolean({ summary: 'Make nothing and show no secret: how it will look.' }),
    format: option({
      options: ['wg-quick', 'wg', 'compact'] as const,
      helpValue: 'wg-quick|wg|compact',
      summary: 'For wg-quick and the apps, for wg setconf, or in as few letters as the apps take.',
    })(),
  };
  static override operations = ['connection.config'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ConnectionConfig);
    const { file, force, preview, format } = flags;
    // Before the key is made: it can be shown only once.
    if (file !== undefined) await demandRoom(resolve(file), force);
    const { out } = this;
    const answer = await this.client.call('connection.config', {
      ...args,
      new_key: flags['new-key'],
      preview,
      ...(format && { format }),
    });
    if (file !== undefined) {
      await writeNewFile(resolve(file), Readable.from([answer.config]), { replace: force });
      const { config: _, ...rest } = answer;
      out.done({ file: resolve(file), ...rest }, `Wrote ${file}; only you can read it.`);
    } else if (out.json) out.document(answer);
    else out.raw(answer.config);
    if (!answer.private_key_shown && !preview)
      out.note('Its private key is not in it: only the client has that. Another one: --new-key', 'dim');
  }
}
