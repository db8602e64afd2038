/**
 * Who watches a shell. Each viewer sees the terminal from a screen on, then all bytes; one that reads too slowly is
 * shown nothing more until it has read what it has, then a screen again. Nobody waits for anybody.
 */
import type { ShellNotice, ShellRequest, ShellViewer } from '../../protocol/shell.ts';
import type { TerminalSocket } from '../capability.ts';
import type { DirectUser } from '../tunnels/tunnels.ts';
import { roleAllows } from '../users/roles.ts';

export interface Size {
  readonly cols: number;
  readonly rows: number;
}

/** At most so often is one viewer told the same refusal. */
const REFUSAL_MS = 1_000;

export class Seat {
  readonly viewer: TerminalSocket<ShellNotice, ShellRequest>;
  readonly by: DirectUser;
  readonly since: number;
  size: Size;
  readOnly: boolean;
  /** May open tunnels, and uses them by being here. */
  operator = false;
  /** `blind` until the next screen, `behind` until it has read what it was sent. */
  sight: 'blind' | 'behind' | 'seeing' = 'blind';
  readonly #refusedAt = new Map<string, number>();

  constructor(
    viewer: TerminalSocket<ShellNotice, ShellRequest>,
    by: DirectUser,
    at: { readOnly: boolean; since: number; size: Size },
  ) {
    this.viewer = viewer;
    this.by = by;
    this.since = at.since;
    this.size = at.size;
    this.readOnly = at.readOnly;
    this.recheck();
  }

  /** True where it may do less than before. A role that was raised counts from the next time. */
  recheck(): boolean {
    const { caller } = this.viewer;
    this.operator = caller !== null && roleAllows(caller.role, 'operator');
    if (this.readOnly || this.operator) return false;
    this.readOnly = true;
    return true;
  }

  refuse(refusal: { code: string; message: string; next: string }, now: number): void {
    const last = this.#refusedAt.get(refusal.code);
    if (last !== undefined && now - last < REFUSAL_MS) return;
    this.#refusedAt.set(refusal.code, now);
    this.viewer.tell({
      type: 'refused',
      code: refusal.code,
      message: refusal.message,
      next: refusal.next,
    });
  }
}

export class Audience {
  readonly #seats = new Set<Seat>();

  get size(): number {
    return this.#seats.size;
  }

  add(seat: Seat): void {
    this.#seats.add(seat);
  }

  delete(seat: Seat): void {
    this.#seats.delete(seat);
  }

  /** In the order in which they came. */
  get present(): ShellViewer[] {
    return [...this.#seats].map(({ by, since, readOnly, size }) => ({
      user: by.user,
      since: new Date(since).toISOString(),
      read_only: readOnly,
      cols: size.cols,
      rows: size.rows,
    }));
  }

  /** One who may open tunnels. */
  get operator(): DirectUser | undefined {
    for (const seat of this.#seats) if (seat.operator) return seat.by;
    return undefined;
  }

  /** Whether anybody waits for a screen. */
  get blind(): boolean {
    for (const seat of this.#seats) if (seat.sight === 'blind') return true;
    return false;
  }

  tell(notice: ShellNotice): void {
    for (const { viewer } of this.#seats) viewer.tell(notice);
  }

  refuse(refusal: { code: string; message: string; next: string }, now: number): void {
    for (const seat of this.#seats) seat.refuse(refusal, now);
  }

  show(bytes: Uint8Array): void {
    for (const seat of this.#seats) {
      if (seat.sight === 'seeing' && !seat.viewer.show(bytes)) seat.sight = 'behind';
    }
  }

  /** Who does not see it now is told with the next screen. */
  resized({ cols, rows }: Size): void {
    for (const seat of this.#seats) {
      if (seat.sight === 'seeing' && !seat.viewer.tell({ type: 'resized', cols, rows }))
        seat.sight = 'behind';
    }
  }

  /** All need a screen again, those that are behind once they have read. */
  interrupt(reason: string): void {
    for (const seat of this.#seats) {
      if (seat.sight === 'seeing') seat.sight = 'blind';
      seat.viewer.tell({ type: 'interrupted', reason });
    }
  }

  /** Nothing that was missed is made good but by a screen. */
  restart(): void {
    for (const seat of this.#seats) if (seat.sight === 'seeing') seat.sight = 'blind';
  }

  screen(data: Uint8Array, attached: (seat: Seat) => ShellNotice): void {
    for (const seat of this.#seats) {
      if (seat.sight !== 'blind') continue;
      seat.viewer.tell(attached(seat));
      seat.sight = seat.viewer.show(data) ? 'seeing' : 'behind';
    }
  }

  resume(): void {
    for (const { viewer } of this.#seats) viewer.resume();
  }
}
