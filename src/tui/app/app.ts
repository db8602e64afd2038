/** The program: which screen is open, what lies over it, what a key does. It draws nothing and knows no terminal. */
import type { Client } from '../../client/client.ts';
import { plural } from '../../text/size.ts';
import { Store } from '../data/store.ts';
import { asTold } from '../data/told.ts';
import { actionOf } from '../keys/binding.ts';
import { globalKeys, listKeys } from '../keys/global.ts';
import type { Input } from '../terminal/keys.ts';
import type { Cli } from './cli.ts';
import { Field } from './field.ts';
import type { Preferences } from './preferences.ts';
import type { Screens } from './screens.ts';
import { Toasts } from './toasts.ts';
import type { Overlay, View } from './view.ts';

/** What the app asks of whoever has the terminal. */
export interface Host {
  /** A key was answered: draw at once. */
  soon(): void;
  /** Something changed: draw in a moment. */
  later(): void;
  /** Draw everything anew. */
  redraw(): void;
  toggleTheme(): void;
  /** The terminal belongs to `use` until it resolves. */
  lend(use: () => Promise<void>): Promise<void>;
  /** What the terminal sends goes there as it is, until it is taken back with undefined. */
  divert(to: ((chunk: Buffer) => void) | undefined): void;
  quit(): void;
  /** Told in lines to a screen reader: nothing is drawn. */
  readonly reader?: boolean;
  readonly columns: number;
  readonly rows: number;
}

export interface AppOptions {
  readonly client: Client;
  readonly host: Host;
  readonly cli: Cli;
  readonly screens: Screens;
  readonly preferences: Preferences;
  readonly now?: () => number;
}

export class App {
  readonly client: Client;
  readonly host: Host;
  readonly cli: Cli;
  readonly screens: Screens;
  readonly preferences: Preferences;
  readonly store: Store;
  readonly toasts: Toasts;
  /** Milliseconds since 1970, for ages. */
  readonly now: () => number;
  readonly #roots = new Map<string, View>();
  #stack: View[] = [];
  readonly overlays: Overlay[] = [];
  /** The filter that is being written. */
  filterField: Field | undefined;

  constructor({ client, host, cli, screens, preferences, now = Date.now }: AppOptions) {
    this.client = client;
    this.host = host;
    this.cli = cli;
    this.screens = screens;
    this.preferences = preferences;
    this.now = now;
    this.store = new Store(client, () => host.later());
    this.toasts = new Toasts(() => host.soon());
  }

  start(): void {
    this.store.start();
    this.go(this.preferences.screen in this.screens.byNoun ? this.preferences.screen : 'overview');
  }

  close(): void {
    for (const view of this.#stack) view.leave?.();
    for (const overlay of this.overlays) overlay.close?.();
    this.store.close();
  }

  get view(): View {
    const view = this.#stack.at(-1);
    if (!view) throw new Error('no screen is open before start()');
    return view;
  }

  get stack(): readonly View[] {
    return this.#stack;
  }

  get overlay(): Overlay | undefined {
    return this.overlays.at(-1);
  }

  /** To a tab, as it was left. */
  go(noun: string): void {
    let root = this.#roots.get(noun);
    if (!root) {
      const make = this.screens.byNoun[noun];
      if (!make) return;
      root = make.open(this);
      this.#roots.set(noun, root);
    }
    if (this.#stack[0] === root && this.#stack.length === 1) return;
    this.#stack.at(-1)?.leave?.();
    for (const view of this.#stack.slice(1)) view.close?.();
    this.#stack = [root];
    this.preferences.screen = noun;
    this.#entered();
  }

  /** Deeper: one of what was listed. */
  push(view: View): void {
    this.#stack.at(-1)?.leave?.();
    this.#stack.push(view);
    this.#entered();
  }

  back(): void {
    const { view } = this;
    if (view.list && view.list.filter !== '') view.list.filter = '';
    else if (view.list && view.list.marks.size > 0) view.list.marks.clear();
    else if (this.#stack.length > 1) {
      view.leave?.();
      view.close?.();
      this.#stack.pop();
      this.#entered();
    } else this.go('overview');
    this.host.soon();
  }

  #entered(): void {
    this.filterField = undefined;
    this.view.enter?.();
    this.host.soon();
  }

  open(overlay: Overlay): void {
    this.overlays.push(overlay);
    this.host.soon();
  }

  closeOverlay(overlay = this.overlay): void {
    const at = overlay ? this.overlays.indexOf(overlay) : -1;
    if (at < 0) return;
    this.overlays.splice(at, 1);
    overlay?.close?.();
    this.host.soon();
  }

  /** Does it and says what came of it. */
  async perform(work: () => Promise<unknown>, sentence: string | (() => string)): Promise<boolean> {
    try {
      await work();
      this.toasts.done(typeof sentence === 'string' ? sentence : sentence());
      return true;
    } catch (thrown) {
      this.toasts.failed(asTold(thrown));
      return false;
    } finally {
      this.host.soon();
    }
  }

  /** The same to each; `done` is what is said of one, or of several by their number. */
  async performEach<T>(
    items: readonly T[],
    work: (item: T) => Promise<unknown>,
    done: (what: string) => string,
    name: (item: T) => string,
  ): Promise<void> {
    const [only] = items;
    if (items.length === 1 && only !== undefined) {
      await this.perform(() => work(only), done(name(only)));
      return;
    }
    let failed = 0;
    for (const item of items) {
      try {
        await work(item);
      } catch (thrown) {
        failed++;
        const told = asTold(thrown);
        this.toasts.failed({ ...told, message: `${name(item)}: ${told.message}` });
      }
    }
    if (failed < items.length) this.toasts.done(done(plural(items.length - failed, 'device')));
    this.host.soon();
  }

  input(input: Input): void {
    if (input.type === 'paste') this.#paste(input.text);
    else if (input.type === 'mouse') this.#mouse(input);
    else if (input.type === 'key') this.#key(input.key, input.text);
    this.host.soon();
  }

  #paste(text: string): void {
    if (this.overlay) this.overlay.paste?.(text);
    else if (this.filterField) {
      this.filterField.insert(text);
      this.#filtered();
    }
  }

  #key(key: string, text: string) {
    const { overlay } = this;
    if (overlay) {
      if (key === 'ctrl-c') this.closeOverlay(overlay);
      else overlay.key(key, text);
      return;
    }
    if (this.filterField) return this.#filterKey(key, text);
    const { view } = this;
    const own = actionOf(view.bindings, key);
    if (own !== undefined) return view.act(own);
    if (view.key?.(key, text)) return;
    const inList = view.list && actionOf(listKeys, key);
    if (inList && view.list?.act(inList)) return this.#remember(inList);
    const action = actionOf(globalKeys, key);
    if (action !== undefined) return this.act(action as keyof typeof globalKeys);
    const tab = this.screens.tabs[Number(key) - 1] ?? (key === '0' ? this.screens.tabs[9] : undefined);
    if (/^\d$/.test(key) && tab) this.go(tab.noun);
  }

  act(action: keyof typeof globalKeys) {
    switch (action) {
      case 'help':
        return this.screens.help(this);
      case 'palette':
        return this.screens.palette(this);
      case 'command':
        return this.screens.command(this);
      case 'filter':
        if (this.view.list) this.filterField = new Field(this.view.list.filter);
        return;
      case 'back':
        return this.back();
      case 'next':
        return this.#turn(1);
      case 'previous':
        return this.#turn(-1);
      case 'reload':
        void this.store.devices.load();
        for (const name of [
          'status',
          'approvals',
          'jobs',
          'scripts',
          'codes',
          'audit',
          'shells',
          'recordings',
          'tunnels',
          'vpns',
          'pairs',
          'users',
        ] as const)
          this.store[name].touch();
        this.toasts.note('Asked the engine for everything anew.');
        return;
      case 'redraw':
        return this.host.redraw();
      case 'theme':
        return this.host.toggleTheme();
      case 'shell':
        return this.screens.lastShell(this);
      case 'dismiss':
        return this.toasts.clear();
      case 'quit':
        return this.host.quit();
    }
  }

  #turn(by: number): void {
    const { tabs } = this.screens;
    const at = tabs.findIndex(({ noun }) => noun === this.#stack[0]?.noun);
    const next = tabs[(at + by + tabs.length) % tabs.length];
    if (next) this.go(next.noun);
  }

  #filterKey(key: string, text: string): void {
    const { list } = this.view;
    if (key === 'esc' || key === 'ctrl-c') {
      if (list) list.filter = '';
      this.filterField = undefined;
    } else if (key === 'enter' || key === 'tab') this.filterField = undefined;
    else if (key === 'up' || key === 'down') list?.act(key);
    else if (this.filterField?.key(key, text)) this.#filtered();
  }

  #filtered(): void {
    const { list } = this.view;
    if (list && this.filterField) {
      list.filter = this.filterField.value;
      list.moveTo(0);
    }
  }

  #remember(action: string): void {
    const { list, noun } = this.view;
    if (!list || (action !== 'sort' && action !== 'reverse')) return;
    const { sortColumn, descending } = list;
    this.preferences.lists[noun] = {
      ...this.preferences.lists[noun],
      descending,
      ...(sortColumn !== undefined && { sort: sortColumn }),
    };
  }

  #mouse({ action, x, y }: Extract<Input, { type: 'mouse' }>) {
    const { overlay, view } = this;
    if (overlay) {
      if (action === 'press') overlay.mouse?.(x, y);
      else overlay.wheel?.(action === 'up' ? -3 : 3);
      return;
    }
    if (action === 'press' && y === 1) {
      const tab = this.screens.tabAt(this, x);
      if (tab !== undefined) this.go(tab);
      return;
    }
    if (action === 'press' && view.mouse?.(x, y)) return;
    if (action !== 'press' && view.wheel) return view.wheel(action === 'up' ? -3 : 3);
    const { list } = view;
    if (!list) return;
    if (action !== 'press') list.moveTo(list.index + (action === 'up' ? -3 : 3));
    else if (view.listTop !== undefined && y > view.listTop && y <= view.listTop + list.page) {
      const row = list.offset + y - view.listTop - 1;
      if (row >= list.shown().length) return;
      if (row === list.index && 'open' in view.bindings) view.act('open');
      else list.moveTo(row);
    }
  }
}
