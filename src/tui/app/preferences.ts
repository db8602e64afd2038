/** What is remembered of one user from one time to the next, in their configuration directory (XDG base directories). */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';

export interface Preferences {
  /** `auto` asks the terminal. */
  theme: 'auto' | 'dark' | 'light';
  mouse: boolean;
  /** Told in lines, for a screen reader. */
  reader: boolean;
  /** Tab that was open last. */
  screen: string;
  /** By list: columns that are not wanted, and the order. */
  lists: Record<string, { hidden?: string[]; sort?: string; descending?: boolean }>;
  /** Of the charts, in seconds. */
  span: number;
}

const DEFAULTS: Preferences = {
  theme: 'auto',
  mouse: true,
  reader: false,
  screen: 'overview',
  lists: {},
  span: 3_600,
};

export const preferencesPath = (env: Readonly<Record<string, string | undefined>>): string => {
  const { XDG_CONFIG_HOME: xdg, HOME: home } = env;
  const base = xdg && isAbsolute(xdg) ? xdg : join(home && isAbsolute(home) ? home : homedir(), '.config');
  return join(base, 'borealis', 'dashboard.json');
};

/** What cannot be read or is not understood is as if it were not there: they are conveniences. */
export const readPreferences = (path: string): Preferences => {
  try {
    const found = JSON.parse(readFileSync(path, 'utf8')) as Partial<Preferences>;
    const { theme, mouse, reader, screen, lists, span } = found;
    return {
      theme: theme === 'dark' || theme === 'light' ? theme : 'auto',
      mouse: typeof mouse === 'boolean' ? mouse : true,
      reader: reader === true,
      screen: typeof screen === 'string' ? screen : DEFAULTS.screen,
      lists: typeof lists === 'object' && lists !== null ? lists : {},
      span: typeof span === 'number' && span >= 60 ? span : DEFAULTS.span,
    };
  } catch {
    return { ...DEFAULTS, lists: {} };
  }
};

export const writePreferences = (path: string, preferences: Preferences): void => {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const fresh = `${path}.${process.pid}.new`;
    writeFileSync(fresh, `${JSON.stringify(preferences, null, 2)}\n`, { mode: 0o600 });
    renameSync(fresh, path);
  } catch {
    // A home that cannot be written to: nothing is remembered, and nothing else depends on it.
  }
};
