import { BorealisCommand } from '../manner/command.ts';
import { required } from '../manner/flags.ts';

export default class CodeRevoke extends BorealisCommand {
  static override summary = 'Revoke an enrolment code; devices that it enrolled stay.';
  static override examples = ['borealisctl code revoke 3f9a'];
  static override args = { code: required('Its id, or a unique prefix of it; not the secret.') };
  static override operations = ['code.revoke'] as const;

  async run(): Promise<void> {
    const { args } = await this.parse(CodeRevoke);
    const code = await this.client.call('code.revoke', args);
    this.out.done(code, `Revoked the enrolment code ${code.id}.`);
  }
}
