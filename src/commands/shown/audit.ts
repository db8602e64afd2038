/** The audit trail as people see it. */
import type { AuditRecord } from '../../protocol/audit.ts';
import type { ListView } from '../manner/command.ts';
import type { Output } from '../manner/output.ts';

export const auditList = (out: Output): ListView<AuditRecord> => ({
  columns: [
    { title: 'NO.', value: ({ seq }) => seq, align: 'right' },
    { title: 'WHEN', value: ({ at }) => out.time(at) },
    { title: 'WHO', value: ({ actor }) => actor, gives: true },
    { title: 'ACTION', value: ({ action }) => action },
    { title: 'TARGET', value: ({ target }) => target, gives: true },
    {
      title: 'RESULT',
      value: ({ result }) => result,
      colour: ({ result }) => (result === 'done' ? undefined : 'red'),
    },
    { title: 'DETAIL', value: ({ detail }) => detailText(detail), gives: true, spare: true },
  ],
  name: ({ seq }) => String(seq),
  empty: 'No changes are recorded that match.',
});

const detailText = (detail: AuditRecord['detail']): string =>
  Object.entries(detail)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');
