/** All pairs: which address is where, and whether the other node could take it. */
import { Box } from 'ink';
import type { HaPair } from '../../../protocol/ha.ts';
import type { App } from '../../app/app.ts';
import { age } from '../../components/age.ts';
import { ListScreen } from '../../components/list-screen.tsx';
import { panel } from '../../components/panel.ts';
import { style } from '../../grid/style.ts';
import { Canvas } from '../../ink/canvas.tsx';
import { disablePair, enablePair, switchPair } from './act.ts';
import { drawCard } from './card.ts';
import { haListKeys } from './keys.ts';
import { gapText, hostOf, marked, pairLook } from './look.ts';
import { openPair } from './open.ts';
import { HOW_TO_BEGIN, WHAT_IT_IS } from './words.ts';

const CARD_LINES = 5;

export class PairList extends ListScreen<HaPair> {
  constructor(app: App) {
    const { pairs } = app.store;
    super(app, {
      noun: 'ha',
      title: 'HA',
      bindings: haListKeys,
      items: () => pairs.value ?? [],
      version: () => pairs.version,
      id: ({ vpn }) => vpn,
      columns: [
        { id: 'vpn', title: 'VPN', width: 10, grow: 2, text: ({ vpn }) => vpn },
        {
          id: 'state',
          title: 'STATE',
          width: 11,
          text: (pair) => marked(pairLook(pair)),
          style: (pair) => style(pairLook(pair).role),
        },
        { id: 'address', title: 'ADDRESS', width: 15, grow: 2, text: ({ address }) => hostOf(address) },
        {
          id: 'holder',
          title: 'HAS IT',
          width: 12,
          grow: 2,
          text: ({ holder }) => holder ?? 'nobody',
          style: (pair) => style(pair.holder === null ? pairLook(pair).role : 'good'),
        },
        { id: 'primary', title: 'PRIMARY', width: 12, grow: 1, keep: 0, text: ({ primary }) => primary },
        { id: 'standby', title: 'STANDBY', width: 12, grow: 2, keep: 2, text: ({ standby }) => standby },
        {
          id: 'last',
          title: 'SWITCH',
          width: 6,
          align: 'right',
          text: ({ last_switch }) => age(last_switch?.at ?? null, app.now()),
          style: () => style('muted'),
          order: ({ last_switch }) => -(last_switch ? Date.parse(last_switch.at) : 0),
        },
        {
          id: 'gap',
          title: 'GAP',
          width: 7,
          align: 'right',
          keep: 1,
          text: ({ last_switch }) => gapText(last_switch?.gap_ms ?? null),
          order: ({ last_switch }) => -(last_switch?.gap_ms ?? -1),
        },
      ],
      haystack: (pair) =>
        [
          pair.vpn,
          pair.project,
          pair.state,
          pairLook(pair).word,
          pair.address,
          pair.primary,
          pair.standby,
        ].join(' '),
      empty: ['No pairs.', '', ...WHAT_IT_IS, '', HOW_TO_BEGIN],
      watch: () => {
        // The services: where one runs without its pair is asked before it is left to that.
        const ends = [pairs.watch(), app.store.vpns.watch()];
        return () => {
          for (const end of ends) end();
        };
      },
      loading: () => pairs.value === undefined && pairs.error === undefined,
      problem: () => (pairs.error && !pairs.value ? [pairs.error.message, pairs.error.next] : undefined),
    });
  }

  act(action: string) {
    const { app } = this;
    if (action === 'enable') return enablePair(app);
    const pair = this.list.current();
    if (!pair) return;
    const again = (): void => void app.store.pairs.refresh();
    if (action === 'open') return openPair(app, pair.vpn);
    if (action === 'switch') return switchPair(app, pair, again);
    disablePair(app, pair, again);
  }

  plain(): string[] {
    const pair = this.list.current();
    return pair ? [`${pair.vpn}: ${pair.reason}`] : [];
  }

  override render() {
    const pair = this.list.current();
    return (
      <Box flexDirection="column" flexGrow={1}>
        {super.render()}
        {pair && (
          <Canvas
            height={CARD_LINES}
            flexShrink={0}
            draw={(surface) => drawCard(panel(surface, { title: pair.vpn }), pair)}
          />
        )}
      </Box>
    );
  }
}
