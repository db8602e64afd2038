/** Shells that run, and recordings of those that ran. */
import type { Recording, Shell } from '../../../protocol/shell.ts';
import { counted } from '../../../text/counted.ts';
import { bytes } from '../../../text/size.ts';
import { span } from '../../../text/time.ts';
import type { App } from '../../app/app.ts';
import { age } from '../../components/age.ts';
import { ListScreen } from '../../components/list-screen.tsx';
import { stateMark, stateRole, style } from '../../grid/style.ts';
import { commandLine } from '../../overlays/command-line.ts';
import { confirm } from '../../overlays/confirm.ts';
import { runInTerminal } from '../../overlays/run-command.ts';
import { attachInFull, showBeside } from '../shell/open.ts';
import { sessionKeys } from './keys.ts';

interface Row {
  readonly id: string;
  readonly shell: Shell | undefined;
  readonly recording: Recording | undefined;
  readonly any: Shell | Recording;
  readonly state: string;
}

export class SessionList extends ListScreen<Row> {
  constructor(app: App) {
    const { shells, recordings } = app.store;
    let rows: Row[] = [];
    let made = '';
    super(app, {
      noun: 'session',
      title: 'sessions',
      bindings: sessionKeys,
      items: () => {
        const version = `${shells.version} ${recordings.version}`;
        if (version !== made) {
          made = version;
          rows = join(shells.value ?? [], recordings.value ?? []);
        }
        return rows;
      },
      version: () => shells.version * 100_003 + recordings.version,
      id: ({ id }) => id,
      columns: [
        {
          id: 'state',
          title: 'STATE',
          width: 13,
          text: ({ state }) => `${stateMark(state)} ${state.replace('_', ' ')}`,
          style: ({ state }) => style(stateRole(state)),
        },
        { id: 'device', title: 'DEVICE', width: 14, grow: 2, text: ({ any }) => any.device },
        { id: 'user', title: 'AS', width: 8, text: ({ any }) => any.user },
        {
          id: 'by',
          title: 'STARTED BY',
          width: 10,
          grow: 1,
          keep: 3,
          text: ({ any }) => any.started_by,
          style: () => style('muted'),
        },
        {
          id: 'viewers',
          title: 'THERE',
          width: 10,
          grow: 1,
          keep: 2,
          text: ({ shell }) => counted(shell?.viewers.map(({ user }) => user) ?? []),
          style: () => style('accent'),
        },
        {
          id: 'length',
          title: 'LASTED',
          width: 9,
          align: 'right',
          keep: 1,
          text: ({ recording }) => (recording ? span(recording.duration_seconds) : ''),
          order: ({ recording }) => recording?.duration_seconds ?? 0,
        },
        {
          id: 'size',
          title: 'SIZE',
          width: 9,
          align: 'right',
          keep: 0,
          text: ({ recording }) => (recording ? bytes(recording.bytes) : ''),
          order: ({ recording }) => recording?.bytes ?? 0,
        },
        {
          id: 'started',
          title: 'AGE',
          width: 6,
          align: 'right',
          text: ({ any }) => age(any.started_at, app.now()),
          style: () => style('muted'),
          order: ({ any }) => -Date.parse(any.started_at),
        },
      ],
      empty: [
        'No shells, and no recordings.',
        '',
        'Open a shell from the list of devices with s. It goes on when you leave it, and is recorded.',
      ],
      watch: () => {
        const ends = [shells.watch(), recordings.watch()];
        return () => {
          for (const end of ends) end();
        };
      },
      loading: () => shells.value === undefined && shells.error === undefined,
      problem: () => (shells.error && !shells.value ? [shells.error.message, shells.error.next] : undefined),
    });
  }

  act(action: string) {
    const { app } = this;
    if (action === 'search') return commandLine(app, 'session search ');
    const row = this.list.current();
    if (!row) return;
    const { id, shell, recording } = row;
    if (action === 'open' && shell) return void attachInFull(app, shell);
    if (action === 'beside') return this.#beside();
    if (action === 'open') return void runInTerminal(app, ['session', 'replay', id], { stays: true });
    if (action === 'watch' && shell) return void attachInFull(app, { ...shell, readOnly: true });
    if (action === 'export' && recording)
      return commandLine(app, `session export ${id} ${recording.device}.cast`);
    if (action === 'kill' && shell)
      return confirm(app, {
        title: 'End the shell',
        text: `The shell of ${shell.user} on ${shell.device} ends, with what runs in it${shell.viewers.length > 0 ? `, under the eyes of ${counted(shell.viewers.map(({ user }) => user))}` : ''}.`,
        yes: 'end it',
        run: () =>
          void app.perform(() => app.client.call('shell.kill', { shell: id }), 'The shell has ended.'),
      });
    app.toasts.note(shell ? 'It is not recorded.' : 'It has ended; Enter replays it.');
  }

  #beside(): void {
    const chosen = this.list.chosen().flatMap(({ shell }) => shell ?? []);
    const others = this.list.shown().flatMap(({ shell }) => (shell && !chosen.includes(shell) ? shell : []));
    const shells = chosen.length === 1 ? [...chosen, ...others.slice(0, 1)] : chosen;
    if (shells.length < 2) this.app.toasts.note('That takes two shells that run. Select them with Space.');
    else showBeside(this.app, shells);
  }
}

/** Running ones first, each once. */
const join = (shells: readonly Shell[], recordings: readonly Recording[]): Row[] => {
  const byId = new Map(recordings.map((recording) => [recording.id, recording]));
  const running = shells
    .filter(({ state }) => state !== 'ended')
    .map(
      (shell): Row => ({
        id: shell.id,
        shell,
        recording: byId.get(shell.id),
        any: shell,
        state: shell.state,
      }),
    );
  const ids = new Set(running.map(({ id }) => id));
  const ended = recordings
    .filter(({ id }) => !ids.has(id))
    .map(
      (recording): Row => ({
        id: recording.id,
        shell: undefined,
        recording,
        any: recording,
        state: recording.state,
      }),
    );
  return [...running, ...ended];
};
