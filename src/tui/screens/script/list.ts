/** Scripts stored with the engine. */
import type { Script } from '../../../protocol/script.ts';
import { bytes } from '../../../text/size.ts';
import type { App } from '../../app/app.ts';
import { age } from '../../components/age.ts';
import { ListScreen } from '../../components/list-screen.tsx';
import { asTold } from '../../data/told.ts';
import { style } from '../../grid/style.ts';
import { commandLine } from '../../overlays/command-line.ts';
import { confirm } from '../../overlays/confirm.ts';
import { TextPane } from '../../overlays/text.ts';
import { scriptKeys } from './keys.ts';

export class ScriptList extends ListScreen<Script> {
  constructor(app: App) {
    const { scripts } = app.store;
    super(app, {
      noun: 'script',
      title: 'scripts',
      bindings: scriptKeys,
      items: () => scripts.value ?? [],
      version: () => scripts.version,
      id: ({ name }) => name,
      columns: [
        { id: 'name', title: 'NAME', width: 16, grow: 2, text: ({ name }) => name },
        {
          id: 'language',
          title: 'LANGUAGE',
          width: 10,
          text: ({ language }) => language,
          style: () => style('info'),
        },
        {
          id: 'description',
          title: 'WHAT IT DOES',
          width: 14,
          grow: 4,
          keep: 3,
          text: ({ description }) => description ?? '',
          style: () => style('muted'),
        },
        {
          id: 'size',
          title: 'SIZE',
          width: 9,
          align: 'right',
          keep: 1,
          text: ({ size }) => bytes(size),
          order: ({ size }) => size,
        },
        {
          id: 'sha',
          title: 'SHA-256',
          width: 12,
          keep: 0,
          text: ({ sha256 }) => sha256.slice(0, 12),
          style: () => style('faint'),
        },
        {
          id: 'by',
          title: 'BY',
          width: 10,
          keep: 2,
          text: ({ added_by }) => added_by,
          style: () => style('muted'),
        },
        {
          id: 'added',
          title: 'AGE',
          width: 6,
          align: 'right',
          text: ({ added_at }) => age(added_at, app.now()),
          order: ({ added_at }) => -Date.parse(added_at),
        },
      ],
      empty: ['No scripts yet.', '', 'n stores one from a file: it is signed, and run by its name.'],
      watch: () => scripts.watch(),
      loading: () => scripts.value === undefined && scripts.error === undefined,
      problem: () =>
        scripts.error && !scripts.value ? [scripts.error.message, scripts.error.next] : undefined,
    });
  }

  act(action: string) {
    const { app } = this;
    if (action === 'add') return commandLine(app, 'script add ');
    const script = this.list.current();
    if (!script) return;
    if (action === 'open') void this.#read(script.name);
    else if (action === 'run') commandLine(app, `script run ${script.name} `);
    else
      confirm(app, {
        title: 'Remove',
        text: `The script ${script.name} will be forgotten. Jobs that ran it keep their output.`,
        yes: 'remove',
        run: () =>
          void app.perform(
            () => app.client.call('script.remove', { script: script.name }),
            `${script.name}: removed.`,
          ),
      });
  }

  async #read(name: string): Promise<void> {
    try {
      const { body } = await this.app.client.call('script.show', { script: name });
      const lines = body.split('\n');
      this.app.open(new TextPane(this.app, name, () => lines));
    } catch (thrown) {
      this.app.toasts.failed(asTold(thrown));
    }
  }
}
