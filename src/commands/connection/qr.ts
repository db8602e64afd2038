import { resolve } from 'node:path';
import { boolean, string } from '@oclif/core/flags';
import { BorealisError } from '../../protocol/errors.ts';
import { BorealisCommand } from '../manner/command.ts';
import { connectionArg, vpnArg } from '../manner/flags.ts';
import { demandRoom, writeNewFile } from '../manner/new-file.ts';
import { fittingQr } from '../shown/qr.ts';

export default class ConnectionQr extends BorealisCommand {
  static override summary = 'The configuration of a client as a QR code, for the WireGuard app of a phone.';
  static override description =
    'Its private key is made now, shown once and kept nowhere; where the screen is too small for the code, none is made. ' +
    'Afterwards there is only another one, with --new-key.';
  static override examples = [
    'borealisctl connection qr office ada',
    'borealisctl connection qr office ada --new-key',
    'borealisctl connection qr office ada --png ada.png',
  ];
  static override args = { vpn: vpnArg, connection: connectionArg };
  static override flags = {
    png: string({ helpValue: 'FILE', summary: 'Write it there as a picture, which only you can read.' }),
    force: boolean({ summary: 'Take the place of a file that is there.' }),
    'new-key': boolean({ summary: 'With another key; the one before is of no use any more.' }),
  };
  static override operations = ['connection.config', 'connection.qr'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ConnectionQr);
    const ask = { ...args, new_key: flags['new-key'] };
    if (flags.png !== undefined) return this.#write(ask, resolve(flags.png), flags.force);
    const { client, out } = this;
    const format = 'compact' as const;
    const before = await client.call('connection.config', { ...ask, format, preview: true });
    if (!before.config.includes('PrivateKey'))
      throw new BorealisError('PRIVATE_KEY_SHOWN', { detail: `${args.connection} has its key.` });
    const draw = out.json ? undefined : fittingQr(out, before.config);
    const answer = await client.call('connection.config', { ...ask, format });
    if (draw) draw(answer.config);
    else out.document(answer);
  }

  async #write(ask: { vpn: string; connection: string; new_key: boolean }, file: string, force: boolean) {
    await demandRoom(file, force);
    const picture = await this.client.download('connection.qr', ask, { signal: this.untilInterrupted() });
    const size = await writeNewFile(file, picture, { replace: force });
    this.out.done(
      { file, file_bytes: size },
      `Wrote ${file}; only you can read it, and it holds a private key.`,
    );
  }
}
