/** One pair: who has the address, how both nodes are, and when it changed hands. */
import { Box } from 'ink';
import type { HaHistoryEntry, HaPair } from '../../../protocol/ha.ts';
import type { App } from '../../app/app.ts';
import { dateTime } from '../../components/age.ts';
import { ListScreen } from '../../components/list-screen.tsx';
import { type PairStatus, pairStatus } from '../../data/pairs.ts';
import { style } from '../../grid/style.ts';
import { Canvas } from '../../ink/canvas.tsx';
import { openDevice } from '../device/open.ts';
import { disablePair, enablePair, switchPair } from './act.ts';
import { drawHolder, drawNodes, holderLines, nodeLines, pairLines } from './draw.ts';
import { haKeys } from './keys.ts';
import { gapText, marked, reasonLook } from './look.ts';
import { HOW_TO_BEGIN, WHAT_IT_IS } from './words.ts';

export class PairScreen extends ListScreen<HaHistoryEntry> {
  readonly #status: PairStatus;
  readonly #vpn: string;
  /** That the address is elsewhere now is told unasked. */
  readonly tells = true;

  constructor(app: App, vpn: string) {
    const status = pairStatus(app, vpn);
    super(app, {
      noun: 'ha',
      title: `HA of ${vpn}`,
      bindings: haKeys,
      items: () => status.value?.history ?? [],
      version: () => status.version,
      id: ({ id }) => id,
      columns: [
        { id: 'at', title: 'SWITCHED', width: 19, text: ({ at }) => dateTime(at) },
        {
          id: 'reason',
          title: 'WHY',
          width: 9,
          text: ({ reason }) => marked(reasonLook(reason)),
          style: ({ reason }) => style(reasonLook(reason).role),
        },
        {
          id: 'way',
          title: 'FROM → TO',
          width: 20,
          grow: 1,
          text: ({ from, to }) => `${from ?? 'nobody'} → ${to}`,
        },
        {
          id: 'gap',
          title: 'GAP',
          width: 8,
          align: 'right',
          text: ({ gap_ms }) => gapText(gap_ms),
          order: ({ gap_ms }) => -(gap_ms ?? -1),
        },
        {
          id: 'back',
          title: 'CLIENTS BACK',
          width: 12,
          align: 'right',
          text: ({ back, clients }) => (clients === 0 ? '' : `${back} of ${clients}`),
          style: ({ back, clients }) => style(back < clients ? 'warn' : 'text'),
          order: ({ back, clients }) => back - clients,
        },
      ],
      empty: ['It has not changed hands yet.'],
      watch: () => {
        const ends = [app.store.look(status), app.store.vpns.watch()];
        return () => {
          for (const end of ends) end();
        };
      },
      loading: () => status.value === undefined && status.error === undefined,
      problem: () => (status.error && !status.value ? [status.error.message, status.error.next] : undefined),
    });
    this.#status = status;
    this.#vpn = vpn;
  }

  close(): void {
    this.#status.close();
  }

  get #pair(): HaPair | undefined {
    return this.#status.value?.pair;
  }

  override get note(): string {
    return this.#pair ? super.note : '';
  }

  override get emptyLines(): readonly string[] {
    return this.#status.value === null
      ? [`${this.#vpn} runs on one node, and is gone with it.`, '', ...WHAT_IT_IS, '', HOW_TO_BEGIN]
      : super.emptyLines;
  }

  act(action: string) {
    const { app } = this;
    const pair = this.#pair;
    if (action === 'enable') return enablePair(app, this.#vpn, pair);
    if (!pair) return app.toasts.note(`${this.#vpn} has no pair. n makes one.`);
    const again = (): void => {
      void this.#status.refresh();
      app.store.pairs.touch();
    };
    if (action === 'switch') return switchPair(app, pair, again);
    if (action === 'disable') return disablePair(app, pair, again);
    const name = this.list.current()?.to ?? pair.holder;
    const node = pair.nodes.find(({ device }) => device === name);
    if (node) return openDevice(app, node.guid);
    app.toasts.note(name === null ? 'Nobody has the address.' : `${name} is no node of this pair any more.`);
  }

  plain(): string[] {
    return this.#pair ? pairLines(this.#pair, this.app.now()) : [];
  }

  override render() {
    const pair = this.#pair;
    if (!pair) return super.render();
    const { rows } = this.app.host;
    return (
      <Box flexDirection="column" flexGrow={1}>
        <Canvas
          height={holderLines(rows)}
          flexShrink={0}
          draw={(surface) => drawHolder(surface, pair, this.app.now())}
        />
        <Canvas height={nodeLines(rows)} flexShrink={0} draw={(surface) => drawNodes(surface, pair)} />
        {super.render()}
      </Box>
    );
  }
}
