/** What can be done to a connection of a VPN service. */
import type { Connection } from '../../../protocol/vpn.ts';
import type { App } from '../../app/app.ts';
import type { VpnStatus } from '../../data/vpns.ts';
import { commandLine } from '../../overlays/command-line.ts';
import { confirm } from '../../overlays/confirm.ts';
import { menu } from '../../overlays/menu.ts';
import { ask } from '../../overlays/prompt.ts';
import { showConfig } from './config.ts';

const NAME = /^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/;
const DAY = 86_400;

export const addConnection = (app: App, vpn: string, status: VpnStatus): void =>
  ask(app, {
    title: `A connection of ${vpn}`,
    text: 'What is it called? Small letters, digits and hyphens. For a site, or with rules from the start, write  :connection add',
    yes: 'add',
    check: (value) => (NAME.test(value) ? undefined : 'Write it like  ada-phone'),
    run: async (name) => {
      const done = await app.perform(
        () => app.client.call('connection.add', { vpn, name }),
        `${name} is added.`,
      );
      await status.refresh();
      const added = done ? status.value?.connections.find((one) => one.name === name) : undefined;
      if (added) showConfig(app, added);
    },
  });

export const actOnConnection = (app: App, action: string, connection: Connection, status: VpnStatus) => {
  const { vpn, name, allow } = connection;
  const ref = { vpn, connection: name };
  const perform = async (work: () => Promise<unknown>, said: string): Promise<void> => {
    await app.perform(work, said);
    void status.refresh();
  };
  switch (action) {
    case 'config':
      return showConfig(app, connection);
    case 'enable':
      if (connection.status === 'disabled')
        return void perform(() => app.client.call('connection.enable', ref), `${name} is let in again.`);
      return confirm(app, {
        title: 'Shut out',
        text: `${name} (${connection.address}) is shut out of ${vpn} at once, until e lets it in again.`,
        yes: 'shut out',
        run: () => perform(() => app.client.call('connection.disable', ref), `${name} is shut out.`),
      });
    case 'allow':
      return ask(app, {
        title: `What ${name} may reach`,
        text: 'CIDR, CIDR:PORT or CIDR:PORT/PROTO, parted by blanks. Empty: all that the service leads to.',
        value: allow.join(' '),
        yes: 'set',
        run: (value) =>
          perform(
            () =>
              app.client.call('connection.change', { ...ref, allow: value.split(/[\s,]+/).filter(Boolean) }),
            `What ${name} may reach is set.`,
          ),
      });
    case 'expires': {
      const set = (days: number | null, said: string) => () =>
        perform(
          () => app.client.call('connection.change', { ...ref, expires_in: days && days * DAY }),
          `${name} ${said}.`,
        );
      return menu(app, {
        title: `${name} expires`,
        choices: [
          { key: '1', title: 'in a day', run: set(1, 'expires in a day') },
          { key: '2', title: 'in a week', run: set(7, 'expires in a week') },
          { key: '3', title: 'in 30 days', run: set(30, 'expires in 30 days') },
          { key: 'n', title: 'never', run: set(null, 'does not expire') },
          {
            key: ':',
            title: 'another time',
            run: () => commandLine(app, `connection change ${vpn} ${name} --expires `),
          },
        ],
      });
    }
    case 'remove':
      return confirm(app, {
        title: 'Remove',
        text: `${name} (${connection.address}) leaves ${vpn} at once; its configuration is of no use any more.`,
        yes: 'remove',
        run: () => perform(() => app.client.call('connection.remove', ref), `${name}: removed.`),
      });
  }
};
