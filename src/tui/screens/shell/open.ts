/** Shells of devices: opened, come to in full screen or side by side. They go on when they are left. */
import type { Device } from '../../../protocol/device.ts';
import type { Shell } from '../../../protocol/shell.ts';
import { counted } from '../../../text/counted.ts';
import type { App } from '../../app/app.ts';
import type { Left } from '../../app/cli.ts';
import { ago } from '../../components/age.ts';
import { asTold } from '../../data/told.ts';
import { menu } from '../../overlays/menu.ts';
import { SideBySide } from './side.tsx';

export interface ShellRef {
  readonly id: string;
  readonly device: string;
  readonly readOnly?: boolean;
}

/** At once; each takes the room of a terminal. */
const MOST = 4;
/** Of each app the one that was left last. */
const lefts = new WeakMap<App, ShellRef>();

export const endedText = ({ device }: ShellRef, { exit_code, signal }: Left & { kind: 'ended' }): string => {
  const how = signal ?? exit_code;
  return `The shell on ${device} has ended${how === null ? '' : ` with ${how}`}. The screen of sessions has its recording.`;
};

/** The whole terminal is the shell's, every byte as it is, until Ctrl-]; then all is as it was. */
export const attachInFull = (app: App, shell: ShellRef): Promise<void> =>
  app.host.lend(async () => {
    try {
      const left = await app.cli.attach({ shell, readOnly: shell.readOnly ?? false });
      if (left.kind === 'ended') {
        lefts.delete(app);
        app.toasts.done(endedText(shell, left));
      } else {
        lefts.set(app, shell);
        app.toasts.note(`The shell on ${shell.device} goes on. Ctrl-] comes back to it.`);
      }
    } catch (thrown) {
      app.toasts.failed(asTold(thrown));
    }
    app.store.shells.touch();
  });

export const lastShell = (app: App): void => {
  const shell = lefts.get(app);
  if (shell) void attachInFull(app, shell);
  else app.toasts.note('No shell was left. Enter on a device opens one.');
};

/** On one device in full, one that runs already offered first; on several side by side. */
export const openShell = async (app: App, devices: readonly Device[]): Promise<void> => {
  const [device, second] = devices;
  if (!device) return;
  if (second) return openBeside(app, devices);
  await app.store.shells.refresh();
  const running = (app.store.shells.value ?? []).filter(
    ({ guid, state }) => guid === device.guid && state !== 'ended',
  );
  if (running.length === 0) return openNew(app, device);
  menu(app, {
    title: `Shells on ${device.name}`,
    choices: [
      ...running.slice(0, 8).map((shell, index) => ({
        key: String(index + 1),
        title: `Come to ${shell.user}’s${shell.title ? ` (${shell.title})` : ''}`,
        note: `began ${ago(shell.started_at, app.now())}, ${
          shell.viewers.length === 0
            ? 'nobody is there'
            : `${counted(shell.viewers.map(({ user }) => user))} there`
        }`,
        run: () => attachInFull(app, shell),
      })),
      { key: 'n', title: 'A new shell', run: () => openNew(app, device) },
    ],
  });
};

/** Errors: those of shell.create. */
const create = ({ client, host, cli }: App, device: Device, term: string | undefined): Promise<Shell> =>
  client.call('shell.create', {
    device: device.guid,
    cols: Math.min(1_000, host.columns),
    rows: Math.min(1_000, host.rows),
    ...(/^[\w.+-]{1,64}$/.test(term ?? cli.term ?? '') && { term: term ?? cli.term }),
  });

const openNew = async (app: App, device: Device): Promise<void> => {
  const from = app.view;
  app.toasts.note(`Opening a shell on ${device.name}… Ctrl-] comes back here from it.`);
  try {
    const shell = await create(app, device, undefined);
    app.toasts.clear();
    // Who has gone elsewhere meanwhile is not torn away.
    if (app.view === from && !app.overlay) return await attachInFull(app, shell);
    lefts.set(app, shell);
    app.toasts.done(`The shell on ${device.name} is there. Ctrl-] comes to it.`);
  } catch (thrown) {
    app.toasts.failed(asTold(thrown));
  }
};

const openBeside = async (app: App, devices: readonly Device[]): Promise<void> => {
  const [first] = devices;
  if (app.host.reader && first) return openShell(app, [first]);
  const some = devices.slice(0, MOST);
  if (devices.length > MOST) app.toasts.note(`Of these ${devices.length}, the first ${MOST}.`);
  app.toasts.note(`Opening shells on ${some.map(({ name }) => name).join(', ')}…`);
  const opened = await Promise.allSettled(some.map((device) => create(app, device, 'xterm-256color')));
  app.toasts.clear();
  for (const [index, one] of opened.entries())
    if (one.status === 'rejected') {
      const told = asTold(one.reason);
      app.toasts.failed({ ...told, message: `${some[index]?.name}: ${told.message}` });
    }
  const shells = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  if (shells.length > 0) showBeside(app, shells);
};

export const showBeside = (app: App, shells: readonly ShellRef[]): void => {
  const [first] = shells;
  // Side by side is for eyes.
  if (app.host.reader && first) void attachInFull(app, first);
  else app.push(new SideBySide(app, shells.slice(0, MOST)));
};
