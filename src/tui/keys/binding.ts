/** Keys as data: what is pressed, what it does, how the footer calls it. Help, footer, palette and docs/keys.md come from it. */

export interface Binding {
  /** As src/tui/terminal/keys.ts names them. */
  readonly keys: readonly string[];
  /** A sentence without its end, for help and palette. */
  readonly title: string;
  /** A word for the footer; without it, it is found by `?` and the palette. */
  readonly hint?: string;
}
export type Bindings = Readonly<Record<string, Binding>>;

const NAMES: Readonly<Record<string, string>> = {
  up: '↑',
  down: '↓',
  left: '←',
  right: '→',
  enter: 'Enter',
  esc: 'Esc',
  space: 'Space',
  tab: 'Tab',
  'shift-tab': 'Shift-Tab',
  pageup: 'PgUp',
  pagedown: 'PgDn',
  home: 'Home',
  end: 'End',
  delete: 'Del',
  backspace: 'Backspace',
};

/** As a person reads it: `Ctrl-P`, `↑`, `s`. */
export const keyName = (key: string): string => {
  const named = NAMES[key];
  if (named) return named;
  if (/^ctrl-(.)$/.test(key)) return `Ctrl-${key.slice(5).toUpperCase()}`;
  if (key.startsWith('alt-')) return `Alt-${keyName(key.slice(4))}`;
  return /^f\d+$/.test(key) ? key.toUpperCase() : key;
};

/** The action that the key stands for here. */
export const actionOf = (bindings: Bindings, key: string): string | undefined => {
  for (const [action, { keys }] of Object.entries(bindings)) if (keys.includes(key)) return action;
  return undefined;
};
