/** VPN services. */
import type { VpnService } from '../../../protocol/vpn.ts';
import { plural } from '../../../text/size.ts';
import { untoldSentence } from '../../../text/untold.ts';
import type { App } from '../../app/app.ts';
import { ListScreen } from '../../components/list-screen.tsx';
import { stateMark, stateRole, style } from '../../grid/style.ts';
import { commandLine } from '../../overlays/command-line.ts';
import { confirm } from '../../overlays/confirm.ts';
import { openPair } from '../ha/open.ts';
import { vpnKeys } from './keys.ts';
import { VpnScreen } from './screen.tsx';

export class VpnList extends ListScreen<VpnService> {
  constructor(app: App) {
    const { vpns } = app.store;
    super(app, {
      noun: 'vpn',
      title: 'VPN',
      bindings: vpnKeys,
      items: () => vpns.value ?? [],
      version: () => vpns.version,
      id: ({ id }) => id,
      columns: [
        { id: 'name', title: 'NAME', width: 14, grow: 2, text: ({ name }) => name },
        {
          id: 'phase',
          title: 'PHASE',
          width: 9,
          text: ({ phase }) => `${stateMark(phase)} ${phase}`,
          style: ({ phase }) => style(stateRole(phase)),
        },
        { id: 'endpoint', title: 'ENDPOINT', width: 21, grow: 1, text: ({ endpoint }) => endpoint },
        { id: 'pool', title: 'POOL', width: 18, text: ({ pool }) => pool, style: () => style('muted') },
        {
          id: 'subnets',
          title: 'LEADS TO',
          width: 14,
          grow: 2,
          keep: 2,
          text: ({ local_subnets }) => local_subnets.join(' '),
          style: () => style('info'),
        },
        {
          id: 'connections',
          title: 'CONN',
          width: 5,
          align: 'right',
          text: ({ connections }) => String(connections),
          order: ({ connections }) => connections,
        },
        {
          id: 'project',
          title: 'PROJECT',
          width: 10,
          keep: 1,
          text: ({ project }) => project,
          style: () => style('muted'),
        },
        {
          id: 'node',
          title: 'NODE',
          width: 8,
          keep: 0,
          text: ({ node }) => node,
          style: () => style('muted'),
        },
      ],
      empty: [
        'No VPN services.',
        '',
        'n makes one: a WireGuard interface on the engine’s host, for phones, laptops and sites.',
      ],
      watch: () => vpns.watch(),
      loading: () => vpns.value === undefined && vpns.error === undefined,
      problem: () => (vpns.error && !vpns.value ? [vpns.error.message, vpns.error.next] : undefined),
    });
  }

  act(action: string) {
    const { app } = this;
    if (action === 'create') return commandLine(app, 'vpn create ');
    const service = this.list.current();
    if (!service) return;
    if (action === 'open') return app.push(new VpnScreen(app, service.name));
    if (action === 'ha') return openPair(app, service.name);
    const { name, connections } = service;
    confirm(app, {
      title: 'Remove',
      text: `The VPN service ${name} ends at once, with ${plural(connections, 'connection')}. Their configurations are of no use any more.`,
      yes: 'remove',
      run: async () => {
        let untold: readonly string[] = [];
        const isDone = await app.perform(async () => {
          ({ untold } = await app.client.call('vpn.delete', { vpn: name }));
        }, `${name}: removed.`);
        const warning = isDone && untoldSentence(untold, name);
        if (warning) app.toasts.warning(warning);
      },
    });
  }
}
