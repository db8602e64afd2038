/** Around every screen: where one is and how the fleet is; the tabs; messages; the keys that work here. */
import { plural } from '../../text/size.ts';
import { width, wrap } from '../../text/width.ts';
import type { App } from '../app/app.ts';
import { type Tab, tabKey } from '../app/screens.ts';
import type { Toast } from '../app/toasts.ts';
import { BOLD, style, UNDERLINE } from '../grid/style.ts';
import type { Piece, Surface } from '../grid/surface.ts';
import { type Binding, type Bindings, keyName } from '../keys/binding.ts';
import { givingWay, globalKeys } from '../keys/global.ts';
import { age, ago } from './age.ts';
import { drawField } from './field.ts';

const BAR = style('text', 'bar');
const FAINT = style('muted', 'bar');

export const drawHeader = (surface: Surface, app: App): void => {
  surface.fill(0, 0, surface.width, 1, BAR);
  const health = healthPieces(app);
  const rightWidth = health.reduce((sum, { text }) => sum + width(text), 0);
  const start = Math.max(0, surface.width - rightWidth - 1);
  const way = app.stack.map(({ title }) => title);
  const note = app.view.note;
  surface.pieces(
    1,
    0,
    [
      { text: 'borealis ', style: style('accent', 'bar', BOLD) },
      ...way.flatMap((title, index): Piece[] => [
        { text: '› ', style: FAINT },
        { text: `${title} `, style: index === way.length - 1 ? style('text', 'bar', BOLD) : FAINT },
      ]),
      ...(note ? [{ text: ` ${note}`, style: FAINT }] : []),
    ],
    start - 2,
  );
  surface.pieces(start, 0, health);
  drawTabs(surface, app);
};

const healthPieces = (app: App): Piece[] => {
  const { link, status } = app.store;
  const pieces: Piece[] = [];
  const known = status.value;
  if (known) {
    const { online, offline, quarantined } = known.devices;
    pieces.push({ text: `● ${online} `, style: style('good', 'bar') });
    pieces.push({ text: `○ ${offline} `, style: FAINT });
    if (quarantined > 0) pieces.push({ text: `⊘ ${quarantined} `, style: style('special', 'bar') });
    if (known.approvals_waiting > 0)
      pieces.push({ text: `◌ ${known.approvals_waiting} `, style: style('warn', 'bar') });
  }
  if (link.state === 'live') pieces.push({ text: ' live ', style: style('good', 'bar') });
  else if (link.state === 'connecting') pieces.push({ text: ' connecting ', style: style('warn', 'bar') });
  else
    pieces.push({
      text: ` engine away ${age(new Date(link.since).toISOString(), app.now())} `,
      style: style('onAccent', 'badFill', BOLD),
    });
  const at = new Date(app.now());
  pieces.push({
    text: ` ${String(at.getHours()).padStart(2, '0')}:${String(at.getMinutes()).padStart(2, '0')}`,
    style: BAR,
  });
  return pieces;
};

interface TabPlace {
  readonly noun: string;
  readonly x: number;
  readonly pieces: readonly Piece[];
  readonly width: number;
}

const tabPlaces = (app: App, available: number): TabPlace[] => {
  const { tabs } = app.screens;
  const open = app.stack[0]?.noun;
  const texts = tabs.map((tab) => ({ tab, badge: tab.badge?.(app) ?? 0 }));
  const badge = (count: number): string => (count > 0 ? ` ${count > 99 ? '99+' : count}` : '');
  const shortened = new Set<Tab>();
  const titleOf = (tab: Tab): string => (shortened.has(tab) ? (tab.short ?? tab.title) : tab.title);
  const need = (blank: number): number =>
    texts.reduce(
      (sum, { tab, badge: count }) => sum + 1 + blank + titleOf(tab).length + badge(count).length + 1,
      0,
    );
  const roomy = need(1) + tabs.length <= available;
  // Shortened from the longest on, until all are there.
  const others = tabs.filter(({ noun, short }) => short !== undefined && noun !== open);
  others.sort((a, b) => b.title.length - a.title.length);
  for (const tab of others) if (need(0) > available) shortened.add(tab);
  let x = 1;
  return texts.map(({ tab, badge: count }, index) => {
    const isOpen = tab.noun === open;
    const pieces: Piece[] = [
      { text: `${tabKey(index)}${roomy ? ' ' : ''}`, style: style(isOpen ? 'accent' : 'faint') },
      { text: titleOf(tab), style: isOpen ? style('accent', 'page', BOLD | UNDERLINE) : style('muted') },
      ...(count > 0 ? [{ text: badge(count), style: style('warn', 'page', BOLD) }] : []),
    ];
    const taken = pieces.reduce((sum, { text }) => sum + width(text), 0);
    const place = { noun: tab.noun, x, pieces, width: taken };
    x += taken + (roomy ? 2 : 1);
    return place;
  });
};

const drawTabs = (surface: Surface, app: App): void => {
  for (const { x, pieces } of tabPlaces(app, surface.width)) surface.pieces(x, 1, pieces);
};

export const tabAt = (app: App, column: number): string | undefined =>
  tabPlaces(app, app.host.columns).find(({ x, width: taken }) => column >= x && column < x + taken)?.noun;

const MARKS = {
  done: ['✓', 'good'],
  note: ['·', 'info'],
  warning: ['!', 'warn'],
  failed: ['✗', 'bad'],
} as const;
/** Of one message; what goes beyond that says so. */
const TOAST_LINES = 6;

/** The lines that messages take, the newest at the bottom; older ones give way to it where there is not room for all. */
export const toastLines = (toasts: readonly Toast[], columns: number, rows: number): Piece[][] => {
  const lines: Piece[][] = [];
  for (const toast of toasts.toReversed()) {
    const more = oneToast(toast, columns);
    if (lines.length > 0 && lines.length + more.length > rows / 2) break;
    lines.unshift(...more);
  }
  return lines;
};

const oneToast = ({ kind, text, code, next }: Toast, columns: number): Piece[][] => {
  const [mark, role] = MARKS[kind];
  const look = style(role, 'page', kind === 'done' || kind === 'note' ? 0 : BOLD);
  const lines = wrap([code, text, next].filter(Boolean).join(' '), columns - 4);
  const shown = lines.slice(0, TOAST_LINES);
  if (lines.length > shown.length) shown.push(`${shown.pop()}…`);
  return shown.map((line, index): Piece[] => {
    if (index > 0) return [{ text: `   ${line}` }];
    if (code === undefined) return [{ text: ` ${mark} `, style: look }, { text: line }];
    return [{ text: ` ${mark} ${code}`, style: look }, { text: line.slice(code.length) }];
  });
};

export const drawToasts = (surface: Surface, lines: readonly (readonly Piece[])[]): void => {
  for (const [y, pieces] of lines.entries()) surface.pieces(0, y, pieces);
};

/** The engine is away: what is shown is what it was. */
export const staleLines = (app: App): string[] => {
  const { link } = app.store;
  if (link.state !== 'away') return [];
  const since = ago(new Date(link.since).toISOString(), app.now());
  return wrap(
    `What you see is from ${since}. ${link.error.message} ${link.error.next}`,
    app.host.columns - 2,
  ).slice(0, 3);
};

export const drawStale = (surface: Surface, lines: readonly string[]): void => {
  surface.fill(0, 0, surface.width, surface.height, style('onAccent', 'warnFill'));
  for (const [y, line] of lines.entries()) surface.text(1, y, line, style('onAccent', 'warnFill'));
};

const KEY = style('accent', 'bar', BOLD);

export const drawFooter = (surface: Surface, app: App): void => {
  surface.fill(0, 0, surface.width, 1, BAR);
  const { filterField, view, overlay } = app;
  if (filterField && !overlay) {
    surface.text(1, 0, '/', KEY);
    const found = view.list?.shown().length ?? 0;
    const hint = `${plural(found, 'line')}   Enter keeps it   Esc takes it away`;
    const hintAt = surface.width - hint.length - 1;
    drawField(surface, 2, 0, filterField, BAR, Math.max(hintAt - 4, 10));
    surface.text(hintAt, 0, hint, FAINT);
    return;
  }
  const hints = overlay ? overlay.hints : hintsOf(view.bindings);
  const selected =
    view.list && view.list.marks.size > 0 && !overlay ? `${view.list.marks.size} selected` : '';
  let x = 1;
  if (selected) x += surface.text(x, 0, ` ${selected} `, style('onAccent', 'accentFill', BOLD)) + 1;
  const room = surface.width - x - widthOf(hints.slice(0, MOST_USED));
  const general = overlay || view.typing ? [] : generalHints(room, view.list !== undefined);
  const generalWidth = widthOf(general);
  for (const [key, what] of hints) {
    if (x + key.length + what.length + 1 > surface.width - generalWidth - 1) break;
    x = drawHint(surface, x, key, what);
  }
  x = Math.max(x, surface.width - generalWidth);
  for (const [key, what] of general) x = drawHint(surface, x, key, what);
};

/** So many keys of the screen are worth more than those that work everywhere. */
const MOST_USED = 5;

const widthOf = (hints: readonly Hint[]): number =>
  hints.reduce((sum, [key, what]) => sum + key.length + what.length + 3, 0);

/** Of the keys that work everywhere, those for which there is room. */
const generalHints = (room: number, filters: boolean): Hint[] => {
  const kept: Record<string, Binding> = { ...globalKeys };
  if (!filters) delete kept.filter;
  for (const action of givingWay) if (widthOf(hintsOf(kept)) > room) delete kept[action];
  return hintsOf(kept);
};

const drawHint = (surface: Surface, x: number, key: string, what: string): number => {
  const used = surface.text(x, 0, key, KEY);
  return x + used + 1 + surface.text(x + used + 1, 0, what, FAINT) + 2;
};

type Hint = readonly [key: string, what: string];

const hintsOf = (bindings: Bindings): Hint[] =>
  Object.values(bindings).flatMap(({ keys, hint }) => (hint ? [[keyName(keys[0] ?? ''), hint]] : []));
