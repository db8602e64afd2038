/** A screen that is one list. */
import type { App } from '../app/app.ts';
import type { View } from '../app/view.ts';
import { Canvas } from '../ink/canvas.tsx';
import type { Bindings } from '../keys/binding.ts';
import { drawList } from '../list/draw.ts';
import { ListModel, type ListOptions } from '../list/model.ts';

export interface ListScreenOptions<T> extends ListOptions<T> {
  readonly noun: string;
  readonly title: string;
  readonly bindings: Bindings;
  readonly empty: readonly string[];
  /** What must be kept current while it is seen; returns what ends that. */
  readonly watch?: () => () => void;
  /** Whether the first answer is still to come. */
  readonly loading?: () => boolean;
  /** What went wrong with the last request, as lines. */
  readonly problem?: () => readonly string[] | undefined;
}

export abstract class ListScreen<T> implements View {
  readonly noun: string;
  readonly title: string;
  readonly bindings: Bindings;
  readonly list: ListModel<T>;
  protected readonly app: App;
  readonly #options: ListScreenOptions<T>;
  listTop: number | undefined;
  #unwatch: (() => void) | undefined;

  constructor(app: App, options: ListScreenOptions<T>) {
    this.app = app;
    this.noun = options.noun;
    this.title = options.title;
    this.bindings = options.bindings;
    this.#options = options;
    const remembered = app.preferences.lists[options.noun];
    this.list = new ListModel({
      ...options,
      ...(remembered?.sort !== undefined && {
        sort: { column: remembered.sort, descending: remembered.descending ?? false },
      }),
    });
  }

  abstract act(action: string): void;

  get note(): string {
    const shown = this.list.shown().length;
    const { total } = this.list;
    const count = shown === total ? '' : `${shown.toLocaleString('en')} of `;
    // A filter that was kept is not to be forgotten: what it hides may be what is looked for.
    const filter = this.list.filter === '' ? '' : ` /${this.list.filter}`;
    return `${count}${total.toLocaleString('en')}${filter}`;
  }

  enter(): void {
    this.#unwatch ??= this.#options.watch?.();
  }

  leave(): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
  }

  get asks(): boolean {
    return this.#options.loading?.() ?? false;
  }

  /** What is said in place of rows. */
  get emptyLines(): readonly string[] {
    const { loading, problem, empty } = this.#options;
    return problem?.() ?? (loading?.() ? ['Asking the engine…'] : empty);
  }

  render() {
    const hidden = new Set(this.app.preferences.lists[this.noun]?.hidden ?? []);
    return (
      <Canvas
        flexGrow={1}
        draw={(surface) => {
          this.listTop = surface.top;
          drawList(surface, this.list, { focus: true, empty: this.emptyLines, hidden });
        }}
      />
    );
  }
}
