import { boolean, integer, string } from '@oclif/core/flags';
import { BorealisCommand } from '../manner/command.ts';
import { durationFlag, readTags, tagFlag } from '../manner/flags.ts';
import { createdCode } from '../shown/code.ts';

export default class CodeCreate extends BorealisCommand {
  static override summary = 'Make an enrolment code: a link with which an agent asks to be managed.';
  static override description =
    'Link and code are shown once and stored hashed. Whoever has them may ask; you still approve.';
  static override examples = [
    'borealisctl code create',
    'borealisctl code create --uses 20 --expires 7d --site berlin --tag env=prod',
    'borealisctl code create --auto-approve --expires 10m',
    'borealisctl code create --qr',
  ];
  static override flags = {
    uses: integer({
      min: 1,
      max: 100_000,
      helpValue: 'N',
      summary: 'How many agents it is good for; 1 unless told.',
    }),
    expires: durationFlag({ summary: 'How long it is good for; 24h unless told.' }),
    site: string({ helpValue: 'SITE', summary: 'The site of the devices that come of it.' }),
    tag: tagFlag('A tag of the devices that come of it; repeated, several.'),
    'auto-approve': boolean({ summary: 'Approve whoever has the link, without asking you.' }),
    address: string({
      helpValue: 'HOST[:PORT]',
      summary: 'Where agents reach the engine, if not at its public address.',
    }),
    qr: boolean({ summary: 'Show the link as a QR code too.' }),
  };
  static override operations = ['code.create'] as const;

  async run(): Promise<void> {
    const { uses, expires, site, tag, address, qr, ...flags } = (await this.parse(CodeCreate)).flags;
    const code = await this.client.call('code.create', {
      ...(uses !== undefined && { uses }),
      ...(expires !== undefined && { expires_in: expires }),
      ...(site !== undefined && { site }),
      ...(tag && { tags: readTags(tag) }),
      ...(address !== undefined && { address }),
      ...(flags['auto-approve'] && { auto_approve: true }),
    });
    if (this.out.json) return this.out.document(code);
    this.out.lines(createdCode(this.out, code));
    this.out.note('\nOn the device, as root, then paste the link:  borealis-agent enroll -');
    if (!code.auto_approve)
      this.out.note('Here, once it asks:                          borealisctl approval list');
    if (qr) (await import('../shown/qr.ts')).showQr(this.out, code.link);
  }
}
