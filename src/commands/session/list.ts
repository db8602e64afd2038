import { integer, string } from '@oclif/core/flags';
import { BorealisCommand } from '../manner/command.ts';
import { outputFlag, watchFlag } from '../manner/flags.ts';
import { sessionEvents, sessionList } from '../shown/session.ts';

const MOST = 100;
/** The most that the engine gives. */
const LIMIT = 10_000;

export default class SessionList extends BorealisCommand {
  static override summary = 'List recorded sessions, newest first.';
  static override examples = [
    'borealisctl session list',
    'borealisctl session list --device web-1 --limit 20',
    'borealisctl session list --watch',
  ];
  static override flags = {
    device: string({ helpValue: 'DEVICE', summary: 'Only those on this device.' }),
    limit: integer({
      char: 'n',
      min: 1,
      max: LIMIT - 1,
      helpValue: 'N',
      summary: `At most so many; ${MOST} unless told.`,
    }),
    output: outputFlag,
    watch: watchFlag,
  };
  static override operations = ['session.list'] as const;

  async run(): Promise<void> {
    const { device, limit = MOST, output, watch } = (await this.parse(SessionList)).flags;
    // One more tells whether there are more.
    const wanted = { limit: limit + 1, ...(device !== undefined && { device }) };
    const fetch = () => this.client.call('session.list', wanted);
    const view = sessionList(this.out);
    if (watch) return this.watchList(async () => (await fetch()).slice(0, limit), view, sessionEvents);
    const sessions = await fetch();
    await this.list(sessions.slice(0, limit), view, output);
    if (sessions.length > limit) this.out.note(`These are the newest ${limit}; more with --limit.`);
  }
}
