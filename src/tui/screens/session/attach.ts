/** Shells in full screen: the dashboard steps aside, and comes back as it was. */
import type { Device } from '../../../protocol/device.ts';
import type { App } from '../../app/app.ts';
import { menu } from '../../overlays/menu.ts';
import { runInTerminal } from '../../overlays/run-command.ts';

/** One that runs already is offered first. */
export const openShell = (app: App, device: Device): void => {
  const running = (app.store.shells.value ?? []).filter(
    ({ guid, state }) => guid === device.guid && state !== 'ended',
  );
  if (running.length === 0) return void runInTerminal(app, ['shell', device.guid]);
  menu(app, {
    title: `Shells on ${device.name}`,
    choices: [
      ...running.slice(0, 8).map(({ id, user, title, viewers }, index) => ({
        key: String(index + 1),
        title: `Attach to ${user}’s${title ? ` (${title})` : ''}`,
        note:
          viewers.length === 0
            ? 'nobody is there'
            : `${viewers.map((viewer) => viewer.user).join(', ')} there`,
        run: () => attachShell(app, device.guid, id, false),
      })),
      { key: 'n', title: 'A new shell', run: () => void runInTerminal(app, ['shell', device.guid]) },
    ],
  });
};

export const attachShell = (app: App, device: string, id: string, readOnly: boolean): void =>
  void runInTerminal(app, ['shell', device, '--attach', id, ...(readOnly ? ['--read-only'] : [])]);
