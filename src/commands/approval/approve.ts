import { string } from '@oclif/core/flags';
import { BorealisCommand } from '../manner/command.ts';
import { required } from '../manner/flags.ts';
import { quoteForShell } from '../manner/words.ts';

export default class ApprovalApprove extends BorealisCommand {
  static override summary = 'Approve an agent that waits: it becomes a device.';
  static override description =
    'Where it clashes with a device (the same host name or the same machine), say which it is: --merge gives that device ' +
    'the new key, and keeps its GUID and history; --overwrite revokes that device and puts the new one in its place.';
  static override examples = [
    'borealisctl approval approve 7c2e',
    'borealisctl approval approve 7c2e --name web-2',
    'borealisctl approval approve 7c2e --merge web-1',
  ];
  static override args = { approval: required('Id of the request, or a unique prefix of it.') };
  static override flags = {
    merge: string({
      helpValue: 'DEVICE',
      exclusive: ['overwrite'],
      summary: 'It is this device, with a new key.',
    }),
    overwrite: string({
      helpValue: 'DEVICE',
      summary: 'It takes the place of this device, which is revoked.',
    }),
    name: string({ helpValue: 'NAME', summary: 'Call the device so; its host name unless told.' }),
  };
  static override operations = ['approval.approve'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ApprovalApprove);
    const { merge, overwrite, name } = flags;
    const approval = await this.client.call('approval.approve', {
      approval: args.approval,
      ...(merge && { merge }),
      ...(overwrite && { overwrite }),
      ...(name && { name }),
    });
    const device = approval.device ?? approval.hostname;
    this.out.done(approval, `Approved ${approval.hostname} as ${device}.`);
    this.out.note(
      `The agent is told when it asks next, within seconds. See it: borealisctl device show ${quoteForShell(device)}`,
    );
  }
}
