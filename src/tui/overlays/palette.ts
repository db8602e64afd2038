/** Finds any action, screen, command or device by some of its letters. */
import { width } from '../../text/width.ts';
import type { App } from '../app/app.ts';
import { Field } from '../app/field.ts';
import { tabKey } from '../app/screens.ts';
import type { Overlay } from '../app/view.ts';
import { drawField } from '../components/field.ts';
import { BOLD, style } from '../grid/style.ts';
import type { Surface } from '../grid/surface.ts';
import { keyName } from '../keys/binding.ts';
import { globalKeys } from '../keys/global.ts';
import { commandLine } from './command-line.ts';

export interface Entry {
  readonly kind: string;
  readonly title: string;
  readonly note: string;
  readonly run: () => void;
}

const MOST = 200;

export class Palette implements Overlay {
  readonly title = 'Find';
  readonly hints = [
    ['↑↓', 'choose'],
    ['Enter', 'go'],
    ['Esc', 'close'],
  ] as const;
  readonly #app: App;
  readonly #field = new Field();
  #entries: readonly Entry[];
  readonly #devices: (query: string) => Entry[];
  #found: readonly Entry[];
  #at = 0;
  #top = 0;

  constructor(app: App, entries: readonly Entry[], devices: (query: string) => Entry[]) {
    this.#app = app;
    this.#entries = entries;
    this.#devices = devices;
    this.#found = entries;
  }

  /** What became known after it was opened. */
  add(entries: readonly Entry[]): void {
    const at = this.#at;
    this.#entries = [...this.#entries, ...entries];
    this.#search();
    this.#at = Math.min(at, Math.max(0, this.#found.length - 1));
  }

  size(available: number, height: number): { width: number; height: number } {
    return { width: Math.min(84, available), height: Math.min(20, height) };
  }

  key(key: string, text: string) {
    if (key === 'esc') return this.#app.closeOverlay(this);
    if (key === 'down' || key === 'ctrl-n') this.#at = Math.min(this.#found.length - 1, this.#at + 1);
    else if (key === 'up' || key === 'ctrl-p') this.#at = Math.max(0, this.#at - 1);
    else if (key === 'enter') {
      const entry = this.#found[this.#at];
      if (!entry) return;
      this.#app.closeOverlay(this);
      entry.run();
    } else if (this.#field.key(key, text)) this.#search();
  }

  paste(text: string): void {
    this.#field.insert(text);
    this.#search();
  }

  #search(): void {
    const query = this.#field.value.trim().toLowerCase();
    this.#at = 0;
    this.#top = 0;
    if (query === '') {
      this.#found = this.#entries;
      return;
    }
    const ranked = [...this.#entries, ...this.#devices(query)].flatMap((entry) => {
      const rank = score(query, entry.title.toLowerCase());
      return rank === undefined ? [] : [{ entry, rank }];
    });
    ranked.sort((a, b) => a.rank - b.rank);
    this.#found = ranked.slice(0, MOST).map(({ entry }) => entry);
  }

  draw(surface: Surface): void {
    surface.fill(0, 0, surface.width, 1, style('text', 'bar'));
    drawField(surface, 1, 0, this.#field, style('text', 'bar'), surface.width - 2);
    const room = surface.height - 1;
    if (this.#at < this.#top) this.#top = this.#at;
    if (this.#at >= this.#top + room) this.#top = this.#at - room + 1;
    if (this.#found.length === 0)
      surface.text(1, 2, 'Nothing of that name. Try : for any command.', style('muted'));
    for (const [index, { kind, title, note }] of this.#found.slice(this.#top, this.#top + room).entries()) {
      const y = 1 + index;
      surface.text(1, y, kind, style('faint'), 9);
      surface.text(11, y, title, style(), surface.width - width(note) - 14);
      surface.text(surface.width - width(note) - 1, y, note, style('accent', 'page', BOLD));
      if (this.#top + index === this.#at) surface.tint(y, 'selected');
    }
  }
}

/** Lower is better: all of it together, at the beginning of a word, or its letters one after another. */
export const score = (query: string, text: string): number | undefined => {
  const at = text.indexOf(query);
  if (at === 0) return 0;
  if (at > 0) return text[at - 1] === ' ' || text[at - 1] === '-' ? 1 : 2 + at / 100;
  let from = 0;
  let spread = 0;
  for (const letter of query) {
    const next = text.indexOf(letter, from);
    if (next < 0) return undefined;
    spread += next - from;
    from = next + 1;
  }
  return 10 + spread;
};

export const palette = (app: App): void => {
  const { view, screens, store } = app;
  const entries: Entry[] = [
    ...Object.entries(view.bindings).map(([action, { keys, title }]) => ({
      kind: 'here',
      title,
      note: keyName(keys[0] ?? ''),
      run: () => view.act(action),
    })),
    ...screens.tabs.map(({ noun, title }, index) => ({
      kind: 'screen',
      title,
      note: tabKey(index),
      run: () => app.go(noun),
    })),
    ...Object.entries(globalKeys)
      .filter(([action]) => action !== 'palette' && action !== 'back')
      .map(([action, { keys, title }]) => ({
        kind: 'action',
        title,
        note: keyName(keys[0] ?? ''),
        run: () => app.act(action as keyof typeof globalKeys),
      })),
  ];
  const devices = (query: string): Entry[] => {
    const found: Entry[] = [];
    for (const device of store.devices.byGuid.values()) {
      if (!device.name.toLowerCase().includes(query)) continue;
      const run = (): void => screens.openDevice(app, device.guid);
      found.push({ kind: 'device', title: device.name, note: device.state, run });
      if (found.length >= MOST) break;
    }
    return found;
  };
  const opened = new Palette(app, entries, devices);
  app.open(opened);
  void app.cli.describe().then((commands) => {
    opened.add(
      commands.map(({ noun, verb, summary }) => {
        const words = verb === undefined ? noun : `${noun} ${verb}`;
        const run = (): void => commandLine(app, `${words} `);
        return { kind: 'command', title: `${words}: ${summary.replace(/\.$/, '')}`, note: ':', run };
      }),
    );
    app.host.soon();
  });
};
