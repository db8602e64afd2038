/** A list that can be walked through, filtered, ordered and selected from. Ten thousand rows cost what is seen of them. */
import type { Column } from './columns.ts';

/** A list of whatever it is, to those who only move about in it. */
export interface AnyList {
  filter: string;
  readonly marks: Set<string>;
  readonly sortColumn: string | undefined;
  readonly descending: boolean;
  readonly index: number;
  readonly offset: number;
  readonly page: number;
  shown(): readonly unknown[];
  moveTo(index: number): void;
  act(action: string): boolean;
  /** The line under the cursor in words, with its place: for a screen reader. */
  spoken(): string | undefined;
}

export interface ListOptions<T> {
  readonly items: () => readonly T[];
  /** Changes with the items. */
  readonly version: () => number;
  readonly id: (item: T) => string;
  readonly columns: readonly Column<T>[];
  /** What `/` looks in; all texts of the columns unless told. */
  readonly haystack?: (item: T) => string;
  readonly sort?: { readonly column: string; readonly descending?: boolean };
}

export class ListModel<T> implements AnyList {
  readonly options: ListOptions<T>;
  filter = '';
  sortColumn: string | undefined;
  descending = false;
  readonly marks = new Set<string>();
  /** Id of the line that the cursor is on. */
  #current: string | undefined;
  #index = 0;
  offset = 0;
  /** Lines that were drawn last. */
  page = 10;
  #shown: readonly T[] = [];
  #key = '';

  constructor(options: ListOptions<T>) {
    this.options = options;
    this.sortColumn = options.sort?.column;
    this.descending = options.sort?.descending ?? false;
  }

  /** Filtered and in order. */
  shown(): readonly T[] {
    const key = `${this.options.version()}\0${this.filter}\0${this.sortColumn}\0${this.descending}`;
    if (key === this.#key) return this.#shown;
    this.#key = key;
    this.#shown = this.#order(this.#match(this.options.items()));
    this.#settle();
    return this.#shown;
  }

  get total(): number {
    return this.options.items().length;
  }

  get index(): number {
    this.shown();
    return this.#index;
  }

  current(): T | undefined {
    return this.shown()[this.#index];
  }

  spoken(): string | undefined {
    const current = this.current();
    if (current === undefined) return undefined;
    const marked = this.marks.has(this.options.id(current)) ? 'selected, ' : '';
    const cells = this.options.columns.flatMap((column) => {
      const text = column.text(current).replace(/^[●○◌⊘✗✓▶■·!] (?=\S)/u, '');
      return text === '' ? [] : [`${column.title.toLowerCase()} ${text}`.trim()];
    });
    return `${marked}${cells.join(', ')}; ${this.#index + 1} of ${this.shown().length}`;
  }

  /** Those selected, or the one under the cursor. */
  chosen(): T[] {
    if (this.marks.size > 0) {
      const marked = this.options.items().filter((item) => this.marks.has(this.options.id(item)));
      if (marked.length > 0) return marked;
    }
    const current = this.current();
    return current === undefined ? [] : [current];
  }

  select(id: string): void {
    this.#current = id;
    this.#key = '';
  }

  moveTo(index: number): void {
    const items = this.shown();
    this.#index = Math.max(0, Math.min(items.length - 1, index));
    const item = items[this.#index];
    this.#current = item === undefined ? undefined : this.options.id(item);
  }

  /** Whether the action is one of a list's. */
  act(action: string): boolean {
    switch (action) {
      case 'down':
        this.moveTo(this.index + 1);
        return true;
      case 'up':
        this.moveTo(this.index - 1);
        return true;
      case 'pageDown':
        this.moveTo(this.index + Math.max(1, this.page - 1));
        return true;
      case 'pageUp':
        this.moveTo(this.index - Math.max(1, this.page - 1));
        return true;
      case 'first':
        this.moveTo(0);
        return true;
      case 'last':
        this.moveTo(this.shown().length - 1);
        return true;
      case 'mark':
        this.#mark();
        return true;
      case 'markAll':
        this.#markAll();
        return true;
      case 'sort':
        this.#sortNext();
        return true;
      case 'reverse':
        this.descending = !this.descending;
        return true;
      default:
        return false;
    }
  }

  /** The lines to draw where there is room for so many; the cursor is among them. */
  window(height: number): { readonly items: readonly T[]; readonly offset: number } {
    const items = this.shown();
    this.page = height;
    if (this.#index < this.offset) this.offset = this.#index;
    if (this.#index >= this.offset + height) this.offset = this.#index - height + 1;
    this.offset = Math.max(0, Math.min(this.offset, items.length - height));
    return { items: items.slice(this.offset, this.offset + height), offset: this.offset };
  }

  #mark(): void {
    const current = this.current();
    if (current === undefined) return;
    const id = this.options.id(current);
    if (!this.marks.delete(id)) this.marks.add(id);
    this.moveTo(this.#index + 1);
  }

  #markAll(): void {
    const ids = this.shown().map((item) => this.options.id(item));
    if (ids.every((id) => this.marks.has(id))) for (const id of ids) this.marks.delete(id);
    else for (const id of ids) this.marks.add(id);
  }

  #sortNext(): void {
    const ids = this.options.columns.map(({ id }) => id);
    const at = ids.indexOf(this.sortColumn ?? '');
    this.sortColumn = ids[(at + 1) % ids.length];
    this.descending = false;
  }

  /** The cursor stays with its line; where that has gone, where it was. */
  #settle(): void {
    if (this.#current !== undefined) {
      const here = this.#shown[this.#index];
      if (here === undefined || this.options.id(here) !== this.#current) {
        const at = this.#shown.findIndex((item) => this.options.id(item) === this.#current);
        if (at >= 0) this.#index = at;
      }
    }
    this.#index = Math.max(0, Math.min(this.#index, this.#shown.length - 1));
    const item = this.#shown[this.#index];
    // Until the cursor was moved it stays at the top, whatever comes in above.
    if (this.#current !== undefined || this.#index > 0)
      this.#current = item === undefined ? undefined : this.options.id(item);
  }

  /** Every word must be somewhere in it. */
  #match(items: readonly T[]): readonly T[] {
    const words = this.filter.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length === 0) return items;
    const { columns } = this.options;
    const haystack = this.options.haystack ?? ((item: T) => columns.map(({ text }) => text(item)).join(' '));
    return items.filter((item) => {
      const text = haystack(item).toLowerCase();
      return words.every((word) => text.includes(word));
    });
  }

  #order(items: readonly T[]): readonly T[] {
    const column = this.options.columns.find(({ id }) => id === this.sortColumn);
    if (!column) return this.descending ? [...items].reverse() : items;
    const of = column.order ?? ((item: T) => column.text(item).toLowerCase());
    const keyed = items.map((item, index) => ({ item, index, by: of(item) }));
    const sign = this.descending ? -1 : 1;
    keyed.sort((a, b) => (a.by < b.by ? -sign : a.by > b.by ? sign : a.index - b.index));
    return keyed.map(({ item }) => item);
  }
}
