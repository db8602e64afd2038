/** What viewers of a shell do: come and leave, type, change their windows, read on. */
import { BorealisError } from '../../protocol/errors.ts';
import type { ShellNotice, ShellRequest } from '../../protocol/shell.ts';
import type { Clock } from '../../sys/clock.ts';
import type { Audience, Seat } from './audience.ts';
import type { Connection } from './connection.ts';
import { unreachable } from './dial.ts';
import type { Output } from './output.ts';
import type { Window } from './window.ts';

/** The shell, as far as it concerns them. */
export interface Watched {
  readonly over: boolean;
  /** Why it stands still, where it does. */
  readonly standsStill: BorealisError | null;
  /** Resolves when it has ended and that is on disk. */
  readonly whenEnded: Promise<void>;
  /** That it has ended; undefined until `whenEnded`. */
  readonly lastWord: ShellNotice | undefined;
}

export interface ViewersParts {
  readonly shell: Watched;
  readonly audience: Audience;
  readonly connection: Connection;
  readonly output: Output;
  readonly window: Window;
  readonly clock: Clock;
  readonly used: (bytes: number) => void;
}

export class Viewers {
  readonly #parts: ViewersParts;

  constructor(parts: ViewersParts) {
    this.#parts = parts;
  }

  /** Resolves when the shell has ended or the viewer has left. `seat.viewer` was accepted. */
  async seat(seat: Seat, signal: AbortSignal): Promise<void> {
    const { shell, audience, output, window } = this.#parts;
    // It ended while the viewer was on its way in.
    if (shell.lastWord) return void seat.viewer.tell(shell.lastWord);
    audience.add(seat);
    if (!seat.readOnly) window.take(seat);
    this.#tellPresence();
    if (shell.standsStill) seat.viewer.tell({ type: 'interrupted', reason: shell.standsStill.message });
    output.askScreen();
    const left = Promise.withResolvers<void>();
    const leave = (): void => left.resolve();
    signal.addEventListener('abort', leave, { once: true });
    if (signal.aborted) leave();
    await Promise.race([shell.whenEnded, left.promise]);
    signal.removeEventListener('abort', leave);
    audience.delete(seat);
    window.leave(seat);
    this.#tellPresence();
  }

  typed(seat: Seat, bytes: Buffer): void {
    const { clock, window, connection, used } = this.#parts;
    const refusal = this.#refusal(seat);
    if (refusal) return void seat.refuse(refusal, clock.monotonic());
    window.take(seat);
    if (connection.link && !connection.link.input(bytes)) seat.viewer.pause();
    used(bytes.length);
  }

  #refusal(seat: Seat): BorealisError | null {
    const { shell, connection } = this.#parts;
    if (seat.readOnly) return new BorealisError('SHELL_READ_ONLY');
    if (shell.over) return new BorealisError('SHELL_ENDED');
    if (shell.standsStill) return shell.standsStill;
    return connection.link ? null : unreachable('What was typed was not sent.');
  }

  asked(seat: Seat, request: ShellRequest): void {
    seat.size = { cols: request.cols, rows: request.rows };
    // Who only watches changes nothing for the others; that is no mistake.
    if (!seat.readOnly) this.#parts.window.take(seat);
  }

  /** It has read what it was sent. */
  drained(seat: Seat): void {
    if (seat.sight !== 'behind') return;
    seat.sight = 'blind';
    this.#parts.output.askScreen();
  }

  /** Its caller's role may be another one. */
  rechecked(seat: Seat): void {
    if (!seat.recheck()) return;
    this.#parts.window.leave(seat);
    seat.refuse(new BorealisError('SHELL_READ_ONLY'), this.#parts.clock.monotonic());
    this.#tellPresence();
  }

  #tellPresence(): void {
    const { audience } = this.#parts;
    audience.tell({ type: 'viewers', viewers: audience.present });
  }
}
