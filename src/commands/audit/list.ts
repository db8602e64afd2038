import { integer, string } from '@oclif/core/flags';
import { BorealisCommand } from '../manner/command.ts';
import { outputFlag, watchFlag } from '../manner/flags.ts';
import { parseSince } from '../manner/time.ts';
import { auditList } from '../shown/audit.ts';

const MOST = 100;

export default class AuditList extends BorealisCommand {
  static override summary = 'List changes: who did what to what, and how it ended; newest first.';
  static override examples = [
    'borealisctl audit list',
    'borealisctl audit list --actor alice --since 7d',
    'borealisctl audit list --action device.revoke --limit 1000 --json',
  ];
  static override flags = {
    actor: string({ helpValue: 'WHO', summary: 'Only what this user did.' }),
    action: string({ helpValue: 'ACTION', summary: 'Only this action, like device.revoke.' }),
    target: string({ helpValue: 'TARGET', summary: 'Only what was done to this device, job or user.' }),
    since: string({ helpValue: 'WHEN', summary: 'From then on: 1h, 7d or a moment.' }),
    limit: integer({ char: 'n', min: 1, helpValue: 'N', summary: `At most so many; ${MOST} unless told.` }),
    output: outputFlag,
    watch: watchFlag,
  };
  static override operations = ['audit.list'] as const;

  async run(): Promise<void> {
    const { actor, action, target, since, limit = MOST, output, watch } = (await this.parse(AuditList)).flags;
    const wanted = {
      ...(actor && { actor }),
      ...(action && { action }),
      ...(target && { target }),
      ...(since && { since: parseSince(since, Date.now()) }),
    };
    // One more tells whether there are more.
    const fetch = () => this.client.all('audit.list', wanted, { most: limit + 1 });
    const view = auditList(this.out);
    if (watch) return this.watchList(async () => (await fetch()).slice(0, limit), view, []);
    const records = await fetch();
    await this.list(records.slice(0, limit), view, output);
    if (records.length > limit) this.out.note(`These are the newest ${limit}; more with --limit.`);
  }
}
