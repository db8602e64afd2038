/** What a screen is to the program around it. */
import type { ReactNode } from 'react';
import type { Surface } from '../grid/surface.ts';
import type { Bindings } from '../keys/binding.ts';
import type { AnyList } from '../list/model.ts';

export interface View {
  /** Of the tab that it belongs to. */
  readonly noun: string;
  /** For the way that leads here, `devices › web-1`. */
  readonly title: string;
  /** Beside the title: how many, of how many. */
  readonly note?: string;
  readonly bindings: Bindings;
  /** All keys but `bindings` go to what is shown: those of everywhere do not work. */
  readonly typing?: boolean;
  /** What an action of `bindings` does. */
  act(action: string): void;
  /** Keys that are no action of its own: whether it took it. */
  key?(key: string, text: string): boolean;
  /** The list that the keys of lists, the filter and the mouse go to. */
  readonly list?: AnyList | undefined;
  /** Line of the screen at which the list's titles stand, as drawn last. */
  listTop?: number | undefined;
  /** Seen, and no longer seen. */
  enter?(): void;
  leave?(): void;
  /** It is never shown again. */
  close?(): void;
  render(): ReactNode;
  /** For a screen reader: what is not in the list, as lines. */
  plain?(): readonly string[];
  /** Lines of `plain` that come by themselves are told too. */
  readonly tells?: boolean;
  /** The first answer of the engine is still to come: it is told when it has. */
  readonly asks?: boolean;
  /** What is said in place of the list's lines. */
  readonly emptyLines?: readonly string[];
  /** A click that is not on a list: whether it took it. */
  mouse?(x: number, y: number): boolean;
  wheel?(lines: number): void;
}

/** Something over the screen that has all keys until it is closed. */
export interface Overlay {
  readonly title: string;
  key(key: string, text: string): void;
  paste?(text: string): void;
  mouse?(x: number, y: number): void;
  wheel?(lines: number): void;
  /** For the footer. */
  readonly hints: readonly (readonly [key: string, what: string])[];
  /** Columns and lines that it would like; it gets at most the screen. */
  size(width: number, height: number): { readonly width: number; readonly height: number };
  /** At the bottom like a command line, instead of the middle. */
  readonly place?: 'bottom';
  /** Whether it takes the whole screen but for the footer, and has no frame: where it does not fit otherwise. */
  whole?(columns: number, rows: number): boolean;
  draw(surface: Surface): void;
  close?(): void;
}
