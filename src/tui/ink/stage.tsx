/**
 * React and Ink lay the screen out; what is in it is drawn by canvases, cell by cell. Ink's own output would build the
 * whole screen of escape sequences for each change (13 ms for 200 × 60), and a list would take part in the layout with
 * every row; so the layout runs only when boxes change, and a frame costs what is drawn in it.
 */
import { Writable } from 'node:stream';
import { type DOMElement, type Instance, render } from 'ink';
import { createContext, type ReactNode } from 'react';
import * as yoga from 'yoga-layout';
import type { Grid } from '../grid/grid.ts';
import { Surface } from '../grid/surface.ts';

export type Draw = (surface: Surface) => void;

export interface Placed {
  readonly element: () => DOMElement | null;
  draw: Draw;
  /** Higher ones are drawn over lower ones. */
  readonly layer: number;
}

/** Canvases tell the stage that they are there. */
export const StageContext = createContext<Set<Placed>>(new Set());

/** Takes Ink's own text, of which there is none, and has the size of the screen. */
class Sink extends Writable {
  columns: number;
  rows: number;
  readonly isTTY = false;

  constructor(columns: number, rows: number) {
    super();
    this.columns = columns;
    this.rows = rows;
  }

  override _write(_chunk: unknown, _encoding: unknown, done: () => void): void {
    done();
  }
}

/** The bundle loads the layout engine without stopping for it (scripts/bundle-plugins.ts); as a module it is there at once. */
export const layoutReady = async (): Promise<void> => {
  await (yoga as { readonly ready?: Promise<void> }).ready;
};

export class Stage {
  readonly #sink: Sink;
  readonly #placed = new Set<Placed>();
  #instance: Instance | undefined;

  constructor(columns: number, rows: number) {
    this.#sink = new Sink(columns, rows);
  }

  /** Synchronous: when it returns, what is wanted stands where it belongs. */
  render(node: ReactNode): void {
    const tree = <StageContext value={this.#placed}>{node}</StageContext>;
    if (this.#instance) {
      this.#instance.rerender(tree);
      return;
    }
    this.#instance = render(tree, {
      stdout: this.#sink,
      stderr: this.#sink,
      debug: true,
      interactive: true,
      patchConsole: false,
      exitOnCtrlC: false,
    });
  }

  resize(columns: number, rows: number): void {
    this.#sink.columns = columns;
    this.#sink.rows = rows;
    this.#sink.emit('resize');
  }

  compose(grid: Grid): void {
    grid.clear();
    const placed = [...this.#placed].sort((a, b) => a.layer - b.layer);
    for (const { element, draw } of placed) {
      const box = rectangle(element());
      if (box && box.width > 0 && box.height > 0)
        draw(new Surface(grid, box.left, box.top, box.width, box.height));
    }
  }

  unmount(): void {
    this.#instance?.unmount();
    this.#instance = undefined;
  }
}

/** Where the layout has put it, in cells from the upper left corner. */
const rectangle = (element: DOMElement | null) => {
  if (!element?.yogaNode) return undefined;
  const { yogaNode: own } = element;
  let [left, top] = [0, 0];
  for (let node: DOMElement | undefined = element; node?.yogaNode; node = node.parentNode) {
    left += node.yogaNode.getComputedLeft();
    top += node.yogaNode.getComputedTop();
  }
  return {
    left: Math.round(left),
    top: Math.round(top),
    width: Math.round(own.getComputedWidth()),
    height: Math.round(own.getComputedHeight()),
  };
};
