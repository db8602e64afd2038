/** Every change, newest first, in a chain that shows tampering. */
import type { AuditRecord } from '../../../protocol/audit.ts';
import type { App } from '../../app/app.ts';
import { dateTime } from '../../components/age.ts';
import { ListScreen } from '../../components/list-screen.tsx';
import { asTold } from '../../data/told.ts';
import { style } from '../../grid/style.ts';
import { TextPane } from '../../overlays/text.ts';
import { auditKeys } from './keys.ts';

const detailText = (detail: AuditRecord['detail']): string =>
  Object.entries(detail)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');

export class AuditList extends ListScreen<AuditRecord> {
  constructor(app: App) {
    const { audit } = app.store;
    super(app, {
      noun: 'audit',
      title: 'audit',
      bindings: auditKeys,
      items: () => audit.value ?? [],
      version: () => audit.version,
      id: ({ seq }) => String(seq),
      columns: [
        {
          id: 'at',
          title: 'TIME',
          width: 19,
          text: ({ at }) => dateTime(at),
          style: () => style('muted'),
          order: ({ seq }) => -seq,
        },
        { id: 'actor', title: 'WHO', width: 9, grow: 1, text: ({ actor }) => actor },
        { id: 'action', title: 'DID', width: 18, text: ({ action }) => action, style: () => style('accent') },
        { id: 'target', title: 'TO', width: 16, grow: 2, text: ({ target }) => target ?? '' },
        {
          id: 'result',
          title: 'RESULT',
          width: 7,
          text: ({ result }) => result,
          style: ({ result }) => style(result === 'ok' || result === 'done' ? 'good' : 'bad'),
        },
        {
          id: 'detail',
          title: 'DETAIL',
          width: 10,
          grow: 3,
          keep: 1,
          text: ({ detail }) => detailText(detail),
          style: () => style('muted'),
        },
        {
          id: 'seq',
          title: 'NR',
          width: 7,
          align: 'right',
          keep: 0,
          text: ({ seq }) => String(seq),
          style: () => style('faint'),
          order: ({ seq }) => -seq,
        },
      ],
      empty: ['Nothing was changed yet.'],
      watch: () => audit.watch(),
      loading: () => audit.value === undefined && audit.error === undefined,
      problem: () => (audit.error && !audit.value ? [audit.error.message, audit.error.next] : undefined),
    });
  }

  override get note(): string {
    const { length } = this.app.store.audit.value ?? [];
    return length >= 500 ? `${super.note}, the newest; older ones: :audit list` : super.note;
  }

  act(action: string): void {
    if (action === 'verify') return void this.#verify();
    const record = this.list.current();
    if (!record) return;
    const lines = [
      `Number    ${record.seq}`,
      `Time      ${record.at}`,
      `Who       ${record.actor}`,
      `Did       ${record.action}`,
      `To        ${record.target ?? '-'}`,
      `Result    ${record.result}`,
      '',
      ...JSON.stringify(record.detail, null, 2).split('\n'),
      '',
      `Previous  ${record.previous}`,
      `Hash      ${record.hash}`,
    ];
    this.app.open(new TextPane(this.app, `Record ${record.seq}`, () => lines, { wide: false }));
  }

  async #verify(): Promise<void> {
    const { app } = this;
    app.toasts.note('The chain is being checked…');
    try {
      const found = await app.client.call('audit.verify', {});
      if (found.intact) app.toasts.done(`The chain is whole: ${found.records.toLocaleString('en')} records.`);
      else
        app.toasts.failed({
          code: 'AUDIT_BROKEN',
          message: `The chain is broken at record ${found.break?.seq}: ${found.break?.message ?? ''}`,
          next: 'Compare with a backup: :backup verify FILE',
        });
    } catch (thrown) {
      app.toasts.failed(asTold(thrown));
    }
  }
}
