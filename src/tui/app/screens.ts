/** The screens that there are, as the app knows them: it imports none of them. */
import type { App } from './app.ts';
import type { View } from './view.ts';

export interface Tab {
  readonly noun: string;
  readonly title: string;
  /** Where the title has no room. */
  readonly short?: string;
  open(app: App): View;
  /** How many there wait for somebody; 0 shows nothing. */
  badge?(app: App): number;
}

/** The digit that opens the screen of that place; beyond the tenth there is none. */
export const tabKey = (index: number): string => (index < 10 ? String((index + 1) % 10) : '');

export interface Screens {
  readonly tabs: readonly Tab[];
  readonly byNoun: Readonly<Record<string, Tab>>;
  help(app: App): void;
  palette(app: App): void;
  command(app: App): void;
  openDevice(app: App, guid: string): void;
  /** Back to the shell that was left last. */
  lastShell(app: App): void;
  openJob(app: App, id: string): void;
  tabAt(app: App, x: number): string | undefined;
}
