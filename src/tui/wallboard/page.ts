/** A page of the wall: builds its widgets once, then fills them. */
import type { Widgets } from 'blessed';
import type { Palette } from './palette.ts';

export interface Page {
  readonly title: string;
  /** Below the header line, for a screen of the size it has now; called anew when that changes. */
  build(place: PagePlace): PageView;
}

export interface PagePlace {
  readonly screen: Widgets.Screen;
  readonly palette: Palette;
}

export interface PageView {
  readonly elements: readonly Widgets.BlessedElement[];
  /** With what is known by then. `now`: milliseconds since 1970. */
  fill(now: number): void;
}
