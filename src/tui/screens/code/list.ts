/** Enrolment codes. */
import type { Code } from '../../../protocol/code.ts';
import type { App } from '../../app/app.ts';
import { left } from '../../components/age.ts';
import { ListScreen } from '../../components/list-screen.tsx';
import { stateMark, stateRole, style } from '../../grid/style.ts';
import { confirm } from '../../overlays/confirm.ts';
import { tagText } from '../device/columns.ts';
import { newCode } from './create.ts';
import { codeKeys } from './keys.ts';

export class CodeList extends ListScreen<Code> {
  constructor(app: App) {
    const { codes } = app.store;
    super(app, {
      noun: 'code',
      title: 'codes',
      bindings: codeKeys,
      items: () => codes.value ?? [],
      version: () => codes.version,
      id: ({ id }) => id,
      columns: [
        {
          id: 'state',
          title: 'STATE',
          width: 10,
          text: ({ state }) => `${stateMark(state)} ${state.replace('_', ' ')}`,
          style: ({ state }) => style(stateRole(state)),
        },
        { id: 'id', title: 'ID', width: 12, grow: 1, text: ({ id }) => id },
        {
          id: 'uses',
          title: 'USES LEFT',
          width: 9,
          align: 'right',
          text: ({ uses_left, uses }) => `${uses_left}/${uses}`,
          order: ({ uses_left }) => uses_left,
        },
        {
          id: 'auto',
          title: 'APPROVES',
          width: 9,
          keep: 3,
          text: ({ auto_approve }) => (auto_approve ? 'by itself' : 'you do'),
          style: ({ auto_approve }) => style(auto_approve ? 'warn' : 'muted'),
        },
        {
          id: 'site',
          title: 'SITE',
          width: 8,
          grow: 1,
          keep: 1,
          text: ({ site }) => site ?? '',
          style: () => style('muted'),
        },
        {
          id: 'tags',
          title: 'TAGS',
          width: 8,
          grow: 1,
          keep: 0,
          text: ({ tags }) => tagText(tags),
          style: () => style('info'),
        },
        {
          id: 'by',
          title: 'BY',
          width: 10,
          keep: 2,
          text: ({ created_by }) => created_by,
          style: () => style('muted'),
        },
        {
          id: 'expires',
          title: 'ENDS',
          width: 9,
          align: 'right',
          text: ({ expires_at, state }) => (state === 'active' ? left(expires_at, app.now()) : ''),
          order: ({ expires_at }) => Date.parse(expires_at),
        },
      ],
      empty: ['No enrolment codes.', '', 'n makes one, and shows its link and QR code.'],
      watch: () => codes.watch(),
      loading: () => codes.value === undefined && codes.error === undefined,
      problem: () => (codes.error && !codes.value ? [codes.error.message, codes.error.next] : undefined),
    });
  }

  act(action: string) {
    const { app } = this;
    if (action === 'add') return newCode(app);
    const active = this.list.chosen().filter(({ state }) => state === 'active');
    if (active.length === 0) return app.toasts.note('It is of no use to anybody any more.');
    confirm(app, {
      title: 'Revoke',
      text: `The ${active.length === 1 ? 'code' : 'codes'} ${active.map(({ id }) => id).join(', ')} will enrol nobody any more. Devices that are enrolled stay.`,
      yes: 'revoke',
      run: () =>
        app.performEach(
          active,
          ({ id }) => app.client.call('code.revoke', { code: id }),
          (what) => `${what}: revoked.`,
          ({ id }) => id,
        ),
    });
  }
}
