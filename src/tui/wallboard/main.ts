/** Entry of the part `borealis-wallboard` (scripts/build.ts): boards of charts that need nobody at the keyboard. */
import type { Client } from '../../client/client.ts';
import { keepHeapSmall } from '../heap.ts';
import { Board } from './board.ts';
import { type DeviceBoardOptions, watchDevices } from './devices.ts';
import { type FeedState, feed } from './feed.ts';
import { Fleet, type FleetSummary } from './fleet.ts';
import { busiestPage } from './pages/busiest.ts';
import { fleetPage } from './pages/fleet.ts';
import { sitesPage } from './pages/sites.ts';
import { palette } from './palette.ts';
import { clock } from './text.ts';

export interface WallboardOptions {
  readonly client: Client;
  readonly signal: AbortSignal;
  readonly colour: boolean;
  /** Until the next page; 0 stays where it is. */
  readonly secondsPerPage: number;
}

// What blessed is built on has not been touched for years, and says so on the screen that it draws.
process.noDeprecation = true;

const TICK_MS = 2_000;
/** What the engine has stored is there by then. */
const FIRST_TICK_MS = 250;
/** Half an hour. */
const POINTS_KEPT = 900;

export interface Wallboard {
  /** Resolves when somebody quits or `signal` is aborted. Errors: the engine's, except that it is away. */
  show(options: WallboardOptions): Promise<void>;
  /** The same in numbers, one object each tick, for scripts. */
  numbers(
    options: Pick<WallboardOptions, 'client' | 'signal'>,
    tell: (summary: FleetSummary) => void,
  ): Promise<void>;
  devices(options: DeviceBoardOptions): Promise<void>;
}

export const show: Wallboard['show'] = async ({ client, signal, colour, secondsPerPage }) => {
  keepHeapSmall();
  const fleet = new Fleet(POINTS_KEPT);
  const quit = new AbortController();
  const ended = AbortSignal.any([signal, quit.signal]);
  let state: FeedState = { state: 'connecting' };
  const board = new Board({
    title: 'Borealis',
    pages: [fleetPage(fleet), busiestPage(fleet), sitesPage(fleet)],
    palette: palette(colour),
    headline: () => headline(state, fleet),
    onQuit: () => quit.abort(),
  });
  const turning = secondsPerPage > 0 ? setInterval(() => board.turn(1), secondsPerPage * 1000) : undefined;
  const tick = (): void => {
    // What was true before the engine went away stays on the wall, marked so.
    if (state.state === 'live') fleet.tick(Date.now());
    board.draw(Date.now());
  };
  const ticking = setInterval(tick, TICK_MS);
  let first: NodeJS.Timeout | undefined;
  try {
    board.draw(Date.now());
    await feed({
      client,
      fleet,
      signal: ended,
      onState: (next) => {
        state = next;
        board.draw(Date.now());
        if (next.state === 'live') first ??= setTimeout(tick, FIRST_TICK_MS);
      },
    });
  } finally {
    clearInterval(turning);
    clearInterval(ticking);
    clearTimeout(first);
    board.close();
  }
};

const headline = (state: FeedState, fleet: Fleet): { text: string; warn: boolean } => {
  if (state.state === 'connecting') return { text: 'asking the engine…', warn: false };
  if (state.state === 'away')
    return { text: `The engine does not answer since ${clock(state.since)}; this is what was.`, warn: true };
  return { text: `${fleet.online} of ${fleet.total} devices online`, warn: false };
};

export const numbers: Wallboard['numbers'] = async ({ client, signal }, tell) => {
  keepHeapSmall();
  const fleet = new Fleet(1);
  let live = false;
  const ticking = setInterval(() => {
    if (!live) return;
    fleet.tick(Date.now());
    tell(fleet.summary(Date.now()));
  }, TICK_MS);
  try {
    await feed({
      client,
      fleet,
      signal,
      onState: ({ state }) => {
        live = state === 'live';
      },
    });
  } finally {
    clearInterval(ticking);
  }
};

export const devices: Wallboard['devices'] = (options) => {
  keepHeapSmall();
  return watchDevices(options);
};
