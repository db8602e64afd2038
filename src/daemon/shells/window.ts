/** The size that the terminal is to have: that of the window of whoever typed, or changed it, last. */
import type { AgentLink } from './agent-link.ts';
import type { Seat, Size } from './audience.ts';
import type { Connection } from './connection.ts';

export class Window {
  readonly #connection: Pick<Connection, 'link'>;
  /** Asked for last. */
  #wanted: Size;
  #of: Seat | undefined;

  constructor(size: Size, connection: Pick<Connection, 'link'>) {
    this.#wanted = size;
    this.#connection = connection;
  }

  take(seat: Seat): void {
    this.#of = seat;
    const { cols, rows } = seat.size;
    if (cols === this.#wanted.cols && rows === this.#wanted.rows) return;
    this.#wanted = seat.size;
    this.#connection.link?.resize(seat.size);
  }

  /** The size stays until somebody takes it. */
  leave(seat: Seat): void {
    if (this.#of === seat) this.#of = undefined;
  }

  /** A connection that is new: the agent may not know what was asked for while there was none. */
  tell(link: AgentLink): void {
    if (this.#of) link.resize(this.#wanted);
  }
}
