/** One VPN service: its connections, who is there, and what each may reach. */
import { Box } from 'ink';
import type { Connection } from '../../../protocol/vpn.ts';
import { bytes } from '../../../text/size.ts';
import type { App } from '../../app/app.ts';
import { age, left } from '../../components/age.ts';
import { drawFacts, type Fact } from '../../components/facts.ts';
import { ListScreen } from '../../components/list-screen.tsx';
import { panel } from '../../components/panel.ts';
import { type VpnStatus, vpnStatus } from '../../data/vpns.ts';
import { stateMark, stateRole, style } from '../../grid/style.ts';
import { Canvas } from '../../ink/canvas.tsx';
import { openPair } from '../ha/open.ts';
import { actOnConnection, addConnection } from './act.ts';
import { connectionKeys } from './keys.ts';

const CARD_LINES = 9;

export class VpnScreen extends ListScreen<Connection> {
  readonly #status: VpnStatus;
  readonly #name: string;

  constructor(app: App, name: string) {
    const status = vpnStatus(app, name);
    super(app, {
      noun: 'vpn',
      title: name,
      bindings: connectionKeys,
      items: () => status.value?.connections ?? [],
      version: () => status.version,
      id: ({ id }) => id,
      columns: [
        { id: 'name', title: 'NAME', width: 12, grow: 2, text: ({ name: own }) => own },
        {
          id: 'status',
          title: 'STATUS',
          width: 11,
          text: ({ status: now }) => `${stateMark(now)} ${now}`,
          style: ({ status: now }) => style(stateRole(now)),
        },
        { id: 'address', title: 'ADDRESS', width: 15, text: ({ address }) => address },
        {
          id: 'handshake',
          title: 'SHAKEN',
          width: 6,
          align: 'right',
          text: ({ last_handshake }) => age(last_handshake, app.now()),
          style: () => style('muted'),
          order: ({ last_handshake }) => -(last_handshake === null ? 0 : Date.parse(last_handshake)),
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
          id: 'endpoint',
          title: 'FROM',
          width: 21,
          keep: 1,
          text: ({ endpoint }) => endpoint ?? '',
          style: () => style('muted'),
        },
        {
          id: 'allow',
          title: 'MAY REACH',
          width: 22,
          grow: 2,
          keep: 2,
          text: ({ allow }) => allow.join(' ') || 'all',
          style: ({ allow }) => style(allow.length === 0 ? 'muted' : 'info'),
        },
        {
          id: 'expires',
          title: 'EXPIRES',
          width: 9,
          align: 'right',
          keep: 0,
          text: ({ expires_at }) => (expires_at === null ? '' : left(expires_at, app.now())),
        },
      ],
      empty: ['No connections.', '', 'n adds a client, as phones and laptops are, or a site.'],
      watch: () => {
        const ends = [status.watch(), app.store.onEvent(({ type }) => status.heard(type))];
        return () => {
          for (const end of ends) end();
        };
      },
      loading: () => status.value === undefined && status.error === undefined,
      problem: () => (status.error && !status.value ? [status.error.message, status.error.next] : undefined),
    });
    this.#status = status;
    this.#name = name;
  }

  close(): void {
    this.#status.close();
  }

  act(action: string) {
    if (action === 'add') return addConnection(this.app, this.#name, this.#status);
    if (action === 'ha') return openPair(this.app, this.#name);
    const connection = this.list.current();
    if (connection) actOnConnection(this.app, action, connection, this.#status);
  }

  get #facts(): Fact[] {
    const service = this.#status.value?.service;
    if (!service) return [];
    return [
      ['Phase', `${stateMark(service.phase)} ${service.phase}`, style(stateRole(service.phase))],
      ['Reason', service.reason, style('bad')],
      ['Endpoint', `${service.endpoint}, UDP ${service.listen_port} here, interface ${service.interface}`],
      ['Pool', [service.pool, service.pool6].filter(Boolean).join(', ')],
      ['Leads to', service.local_subnets.join(', ') || 'clients and sites only'],
      ['DNS', service.dns.join(', ')],
      ['Public key', service.public_key, style('muted')],
      ['Project', service.project],
    ];
  }

  plain(): string[] {
    return this.#facts.flatMap(([name, value]) => (value ? [`${name}: ${value}`] : []));
  }

  override render() {
    return (
      <Box flexDirection="column" flexGrow={1}>
        {super.render()}
        <Canvas
          height={Math.min(CARD_LINES, Math.floor(this.app.host.rows / 3))}
          flexShrink={0}
          draw={(surface) => drawFacts(panel(surface, { title: `VPN ${this.#name}` }), this.#facts, 1)}
        />
      </Box>
    );
  }
}
