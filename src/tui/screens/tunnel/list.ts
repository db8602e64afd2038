/** Tunnels that are up or coming up. */
import type { Tunnel } from '../../../protocol/tunnel.ts';
import { bytes } from '../../../text/size.ts';
import { span } from '../../../text/time.ts';
import type { App } from '../../app/app.ts';
import { age } from '../../components/age.ts';
import { ListScreen } from '../../components/list-screen.tsx';
import { tunnelCalls } from '../../data/tunnels.ts';
import { stateMark, stateRole, style } from '../../grid/style.ts';
import { commandLine } from '../../overlays/command-line.ts';
import { ask } from '../../overlays/prompt.ts';
import { actOnDevices } from '../device/act.ts';
import { openDevice } from '../device/open.ts';
import { tunnelKeys } from './keys.ts';

export class TunnelList extends ListScreen<Tunnel> {
  constructor(app: App) {
    const { tunnels } = app.store;
    super(app, {
      noun: 'tunnel',
      title: 'tunnels',
      bindings: tunnelKeys,
      items: () => tunnels.value ?? [],
      version: () => tunnels.version,
      id: ({ guid }) => guid,
      columns: [
        { id: 'device', title: 'DEVICE', width: 14, grow: 2, text: ({ device }) => device },
        {
          id: 'state',
          title: 'STATE',
          width: 12,
          text: ({ state }) => `${stateMark(state)} ${state}`,
          style: ({ state }) => style(stateRole(state)),
        },
        {
          id: 'by',
          title: 'BY',
          width: 5,
          text: ({ transport }) => transport ?? '',
          style: ({ transport }) => style(transport === 'relay' ? 'warn' : 'muted'),
        },
        { id: 'address', title: 'ADDRESS', width: 15, keep: 4, text: ({ virtual_ip }) => virtual_ip ?? '' },
        {
          id: 'endpoint',
          title: 'FROM',
          width: 21,
          keep: 1,
          text: ({ endpoint }) => endpoint ?? '',
          style: () => style('muted'),
        },
        {
          id: 'ports',
          title: 'PORTS',
          width: 10,
          grow: 1,
          keep: 2,
          text: ({ allowed_ports }) => allowed_ports.join(' '),
          style: () => style('muted'),
        },
        {
          id: 'rx',
          title: '↓',
          width: 9,
          align: 'right',
          keep: 3,
          text: ({ tx_bytes }) => bytes(tx_bytes),
          order: ({ tx_bytes }) => tx_bytes,
        },
        {
          id: 'tx',
          title: '↑',
          width: 9,
          align: 'right',
          keep: 3,
          text: ({ rx_bytes }) => bytes(rx_bytes),
          order: ({ rx_bytes }) => rx_bytes,
        },
        {
          id: 'handshake',
          title: 'SHAKEN',
          width: 6,
          align: 'right',
          keep: 0,
          text: ({ last_handshake }) => age(last_handshake, app.now()),
          style: () => style('muted'),
        },
        {
          id: 'idle',
          title: 'ENDS IN',
          width: 10,
          align: 'right',
          keep: 2,
          text: ({ idle_left }) => span(Math.ceil(idle_left / 5) * 5),
          style: ({ idle_left }) => style(idle_left < 120 ? 'warn' : 'muted'),
          order: ({ idle_left }) => idle_left,
        },
      ],
      empty: [
        'No tunnels.',
        '',
        'n brings one up. A shell brings its own up, and idle ones go by themselves.',
      ],
      watch: () => tunnels.watch(),
      loading: () => tunnels.value === undefined && tunnels.error === undefined,
      problem: () =>
        tunnels.error && !tunnels.value ? [tunnels.error.message, tunnels.error.next] : undefined,
    });
  }

  act(action: string) {
    const { app } = this;
    if (action === 'connect') return connect(app);
    const tunnel = this.list.current();
    if (!tunnel) return;
    if (action === 'open') return openDevice(app, tunnel.guid);
    if (action === 'forward') return commandLine(app, `tunnel forward ${tunnel.device} `);
    const devices = this.list.chosen().flatMap(({ guid }) => app.store.devices.byGuid.get(guid) ?? []);
    if (action === 'shell' || action === 'ports' || action === 'disconnect')
      actOnDevices(app, action, devices);
  }
}

const connect = (app: App): void =>
  ask(app, {
    title: 'Bring a tunnel up',
    text: 'To which device?',
    yes: 'connect',
    complete: (value) => {
      const found: string[] = [];
      for (const { name } of app.store.devices.byGuid.values()) {
        if (name.startsWith(value)) found.push(name);
        if (found.length > 20) break;
      }
      return found;
    },
    check: (value) => (value === '' ? 'Type its name; Tab completes it.' : undefined),
    run: (value) =>
      void app.perform(async () => {
        await tunnelCalls(app.client).call('tunnel.connect', { device: value });
        app.store.tunnels.touch();
      }, `The tunnel of ${value} is up.`),
  });
