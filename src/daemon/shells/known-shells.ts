/** The shells that are not over, as the engine knows them. */
import { BorealisError } from '../../protocol/errors.ts';
import type { Store } from '../../store/store.ts';
import type { ShellEnd } from './rows.ts';
import type { RunningShell } from './running-shell.ts';

export interface Known {
  readonly shell: RunningShell;
  /** Resolves when its recording was taken up; it may be used then. */
  readonly ready: Promise<void>;
  /** The engine knows of it, operators not yet. */
  starting: boolean;
  /** It is being started on the device right now; nobody else is to look for it there. */
  creating: boolean;
  /** How it ended. */
  end?: ShellEnd;
}

export class KnownShells {
  readonly #known = new Map<string, Known>();
  readonly #store: Pick<Store, 'read'>;

  constructor(store: Pick<Store, 'read'>) {
    this.#store = store;
  }

  get all(): Known[] {
    return [...this.#known.values()];
  }

  get(id: string): Known | undefined {
    return this.#known.get(id);
  }

  add(known: Known): void {
    this.#known.set(known.shell.facts.id, known);
  }

  delete(id: string): void {
    this.#known.delete(id);
  }

  /** Those that operators know of. */
  get visible(): RunningShell[] {
    return this.all.filter(({ starting }) => !starting).map(({ shell }) => shell);
  }

  /** By its id or a prefix that no other has. Errors: SHELL_NOT_FOUND, SHELL_AMBIGUOUS, SHELL_ENDED. */
  async find(ref: string): Promise<RunningShell> {
    const wanted = ref.toLowerCase();
    const found = this.all.filter(({ shell, starting }) => !starting && shell.facts.id.startsWith(wanted));
    const exact = found.find(({ shell }) => shell.facts.id === wanted) ?? (found.length === 1 && found[0]);
    if (exact) {
      await exact.ready;
      if (exact.shell.condemned) throw exact.shell.condemned;
      return exact.shell;
    }
    if (found.length > 1) throw new BorealisError('SHELL_AMBIGUOUS', { detail: `“${ref}” begins several.` });
    const row = await this.#store.read
      .selectFrom('shell')
      .select('id')
      .where('id', '=', wanted)
      .where('state', '=', 'ended')
      .executeTakeFirst();
    if (!row) throw new BorealisError('SHELL_NOT_FOUND', { detail: `“${ref}” is none.` });
    throw new BorealisError('SHELL_ENDED', { next: `Replay it with: borealisctl session replay ${row.id}` });
  }
}
