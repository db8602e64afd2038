/**
 * One shell that runs on a device: one connection to its agent as long as that can be had, a recording, and whoever
 * watches. What comes from the agent goes to the recording and to the viewers; the agent may forget it once it is on disk.
 */
import type { Logger } from 'pino';
import type { ShellExit, ShellScreen } from '../../protocol/agent-port.ts';
import type { FromShell } from '../../protocol/agent-port-codec.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { Shell, ShellNotice, ShellRequest } from '../../protocol/shell.ts';
import type { Clock } from '../../sys/clock.ts';
import type { Recorder, RecorderEars } from '../recordings/recorder.ts';
import type { LiveRecording } from '../recordings/rows.ts';
import type { DirectUser, TunnelSession, Tunnels } from '../tunnels/tunnels.ts';
import type { AgentLink } from './agent-link.ts';
import { Audience, type Seat, type Size } from './audience.ts';
import { type Dialled, dial, unreachable } from './dial.ts';
import type { PortPurpose, PortTokens } from './port-token.ts';
import { ScreenRequest } from './screen-request.ts';
import { Title } from './title.ts';
import type { Turns } from './turns.ts';

/** Clears the terminal before a screen (RIS). */
const RESET = '\x1bc';

export interface ShellParts {
  readonly tunnels: Pick<Tunnels, 'open' | 'current' | 'used'>;
  readonly turns: Turns;
  readonly tokens: PortTokens;
  readonly clock: Clock;
  readonly log: Logger;
  /** Of the agent. */
  readonly port: number;
  /** Called once, when nothing more can come of it. `exit` is null where its end was not seen. */
  readonly ended: (shell: RunningShell, exit: ShellExit | null) => Promise<void>;
  /** Called when the connection is gone and there may be a reason to try again. */
  readonly lost: (shell: RunningShell) => void;
}

export interface ShellFacts {
  readonly id: string;
  readonly guid: string;
  /** Name of the device. */
  device: string;
  /** The account on the device. */
  account: string;
  readonly startedBy: string;
  readonly startedAt: number;
  readonly recorded: boolean;
  readonly recordInput: boolean;
}

export class RunningShell implements RecorderEars {
  readonly facts: ShellFacts;
  readonly audience = new Audience();
  /** Null where the setting says that shells are not recorded. */
  recorder: Recorder | null = null;
  /** Why nobody may use it any more: it is killed as soon as its device is reached. */
  condemned: BorealisError | null = null;
  readonly #parts: ShellParts;
  readonly #title = new Title();
  #size: Size;
  /** The size that was asked for last. */
  #wanted: Size;
  /** Bytes of output that came so far. */
  #received = 0;
  #link: AgentLink | undefined;
  #dialling: Promise<Dialled> | undefined;
  #stuck: BorealisError | null = null;
  /** Whose size the terminal has. */
  #sizeOf: Seat | undefined;
  readonly #screenRequest = new ScreenRequest();
  /** The recording needs a screen too: bytes were lost. */
  #screenToRecord = false;
  #over = false;
  #lastWord: ShellNotice | undefined;
  readonly #ended = Promise.withResolvers<void>();

  constructor(facts: ShellFacts, size: Size, parts: ShellParts) {
    this.facts = facts;
    this.#size = size;
    this.#wanted = size;
    this.#parts = parts;
  }

  get reachable(): boolean {
    return this.#link !== undefined;
  }

  get over(): boolean {
    return this.#over;
  }

  /** Resolves when it has ended and that is on disk. */
  get whenEnded(): Promise<void> {
    return this.#ended.promise;
  }

  get size(): Size {
    return this.#size;
  }

  get live(): LiveRecording | undefined {
    if (!this.recorder) return undefined;
    const { bytes, elapsedMs } = this.recorder;
    return { bytes, elapsedMs, ...this.#size };
  }

  /** Takes up a recording; output goes on from where it stands. */
  record(recorder: Recorder): void {
    this.recorder = recorder;
    this.#received = recorder.offset;
  }

  present(): Shell {
    const { id, device, guid, account, startedBy, startedAt } = this.facts;
    return {
      id,
      device,
      guid,
      user: account,
      started_by: startedBy,
      started_at: new Date(startedAt).toISOString(),
      ended_at: null,
      state: this.#link ? 'running' : 'unreachable',
      exit_code: null,
      title: this.#title.text,
      cols: this.#size.cols,
      rows: this.#size.rows,
      viewers: this.audience.present,
      recorded: this.facts.recorded,
    };
  }

  // The connection

  /** Starts it on the device. Errors: SHELL_UNREACHABLE, and what the agent refuses it for. */
  async begin(session: TunnelSession, purpose: Extract<PortPurpose, { purpose: 'shell' }>): Promise<void> {
    await this.#dial(session, purpose, this.facts.startedBy);
  }

  /** Resolves when it is connected; brings the tunnel up where `by` is given. Errors: SHELL_UNREACHABLE, SHELL_ENDED. */
  async reach(by?: DirectUser): Promise<void> {
    if (this.#over) throw new BorealisError('SHELL_ENDED');
    if (this.#link) return;
    const { tunnels } = this.#parts;
    const { guid, id } = this.facts;
    let session = tunnels.current(guid);
    try {
      if (!session && by) session = await tunnels.open(guid, by);
    } catch (error) {
      if (!(error instanceof BorealisError)) throw error;
      throw unreachable(error.message);
    }
    if (!session) throw unreachable('Its tunnel is down, and only an operator brings it up.');
    if (this.#link) return;
    const offset = this.#received;
    try {
      await this.#dial(session, { purpose: 'attach', shell_id: id, offset }, by?.user ?? 'engine');
    } catch (error) {
      if (!(error instanceof BorealisError)) throw error;
      if (error.code !== 'SHELL_NOT_FOUND' && error.code !== 'SHELL_ENDED') throw error;
      await this.end(null);
      throw new BorealisError('SHELL_ENDED', { detail: 'The device knows it no more.' });
    }
  }

  #dial(session: TunnelSession, purpose: PortPurpose, actor: string): Promise<Dialled> {
    const { port, turns, tokens } = this.#parts;
    this.#dialling ??= dial({
      session,
      port,
      turns,
      token: () => tokens.mint(session, actor, purpose),
      opened: (dialled) => this.#opened(dialled),
      frame: (link, frame) => {
        if (link === this.#link) this.#heard(frame);
      },
      drained: () => this.audience.resume(),
      closed: (link, reason) => {
        if (link === this.#link) this.#lost(reason);
      },
    }).finally(() => {
      this.#dialling = undefined;
    });
    return this.#dialling;
  }

  #opened({ link, opened }: Dialled): void {
    if (this.#over) return void link.destroy('The shell has ended.');
    this.#link = link;
    this.facts.account = opened.user;
    this.#screenRequest.forget();
    if (this.condemned) return void link.kill('SIGKILL');
    this.#resized(opened);
    if (this.#stuck || this.recorder?.full) link.hold();
    if (opened.offset > this.#received) this.#skipTo(opened.offset);
    if (this.#sizeOf) link.resize(this.#wanted);
    this.audience.resume();
    this.#askScreen();
  }

  #lost(reason: string): void {
    this.#link = undefined;
    if (this.#over) return;
    this.#parts.log.info(
      { shell: this.facts.id, device: this.facts.device, reason },
      'a shell is out of reach',
    );
    this.audience.resume();
    this.audience.interrupt(reason);
    this.#parts.lost(this);
  }

  /** The tunnel is down: nothing is to be waited for on it. */
  disconnect(reason: string): void {
    this.#link?.destroy(reason);
  }

  // What the agent says

  #heard(frame: FromShell): void {
    this.#take(frame);
    // Whatever it says takes up room until it is on disk.
    if (this.recorder?.full) this.#link?.hold();
  }

  #take(frame: FromShell): void {
    switch (frame.type) {
      case 'OUTPUT':
        return void this.#output(frame.offset, frame.bytes);
      case 'SCREEN':
        return void this.#screen(frame);
      case 'TYPED':
        if (this.facts.recordInput) this.recorder?.typed(frame.bytes);
        return;
      case 'RESIZED':
        return void this.#resized(frame);
      case 'EXIT':
        if (frame.offset > this.#received) this.#skipTo(frame.offset);
        this.#link?.linger();
        void this.end(frame);
        return;
      case 'REFUSED':
        return void this.#link?.destroy(`The agent ended it: ${frame.code}.`);
      default:
        this.#link?.destroy(`The agent says ${frame.type} where that has no place.`);
    }
  }

  #output(offset: number, bytes: Buffer): void {
    // Sent again after an interruption: known already.
    const known = this.#received - offset;
    if (known >= bytes.length) return;
    if (known < 0) this.#skipTo(offset);
    const fresh = known > 0 ? bytes.subarray(known) : bytes;
    this.#received += fresh.length;
    if (this.recorder) this.recorder.output(fresh);
    else this.#link?.ack(this.#received);
    this.#title.push(fresh);
    this.audience.show(fresh);
    if (this.audience.operator) this.#parts.tunnels.used(this.facts.guid, fresh.length);
  }

  /** Output before `offset` is lost: the recording says so, and everybody sees the screen anew. */
  #skipTo(offset: number): void {
    this.recorder?.skip(offset - this.#received);
    this.#received = offset;
    this.#screenToRecord = this.recorder !== null;
    this.audience.restart();
    this.#askScreen();
  }

  #resized({ cols, rows }: Size): void {
    if (cols === this.#size.cols && rows === this.#size.rows) return;
    this.#size = { cols, rows };
    this.recorder?.resized(cols, rows);
    this.audience.resized({ cols, rows });
  }

  #askScreen(): void {
    if (!this.#link || (!this.audience.blind && !this.#screenToRecord)) return;
    const id = this.#screenRequest.ask();
    if (id !== undefined) this.#link.screen(id);
  }

  #screen(part: ShellScreen): void {
    const whole = this.#screenRequest.take(part);
    if (whole === undefined) return;
    this.#resized(part);
    if (this.#screenToRecord) this.recorder?.shown(RESET + whole);
    this.#screenToRecord = false;
    const shell = this.present();
    this.audience.screen(Buffer.from(whole, 'utf8'), ({ readOnly }) => ({
      type: 'attached',
      shell,
      read_only: readOnly,
    }));
  }

  // The recording

  stored(offset: number): void {
    this.#link?.ack(offset);
    if (!this.recorder?.full && !this.#stuck) this.#link?.release();
  }

  stuck(error: BorealisError | null): void {
    const before = this.#stuck;
    this.#stuck = error;
    const { log, clock } = this.#parts;
    if (error) {
      this.#link?.hold();
      if (before) return;
      log.error({ err: error, shell: this.facts.id }, 'a shell stands still: it cannot be recorded');
      this.audience.interrupt(error.message);
      this.audience.refuse(error, clock.monotonic());
      return;
    }
    log.info({ shell: this.facts.id }, 'a shell goes on: it can be recorded again');
    this.#link?.release();
    this.#askScreen();
  }

  // Viewers

  /** Resolves when the shell has ended or the viewer has left. `seat.viewer` was accepted. */
  async seat(seat: Seat, signal: AbortSignal): Promise<void> {
    // It ended while the viewer was on its way in.
    if (this.#lastWord) return void seat.viewer.tell(this.#lastWord);
    this.audience.add(seat);
    if (!seat.readOnly) this.#takeSize(seat);
    this.audience.tell({ type: 'viewers', viewers: this.audience.present });
    if (this.#stuck) seat.viewer.tell({ type: 'interrupted', reason: this.#stuck.message });
    this.#askScreen();
    const left = Promise.withResolvers<void>();
    const leave = (): void => left.resolve();
    signal.addEventListener('abort', leave, { once: true });
    if (signal.aborted) leave();
    await Promise.race([this.#ended.promise, left.promise]);
    signal.removeEventListener('abort', leave);
    this.audience.delete(seat);
    if (this.#sizeOf === seat) this.#sizeOf = undefined;
    this.audience.tell({ type: 'viewers', viewers: this.audience.present });
  }

  typed(seat: Seat, bytes: Buffer): void {
    const refusal = this.#refusal(seat);
    if (refusal) return void seat.refuse(refusal, this.#parts.clock.monotonic());
    this.#takeSize(seat);
    this.#parts.tunnels.used(this.facts.guid, bytes.length);
    if (this.#link && !this.#link.input(bytes)) seat.viewer.pause();
  }

  #refusal(seat: Seat): BorealisError | null {
    if (seat.readOnly) return new BorealisError('SHELL_READ_ONLY');
    if (this.#over) return new BorealisError('SHELL_ENDED');
    if (this.#stuck) return this.#stuck;
    return this.#link ? null : unreachable('What was typed was not sent.');
  }

  asked(seat: Seat, request: ShellRequest): void {
    seat.size = { cols: request.cols, rows: request.rows };
    // Who only watches changes nothing for the others; that is no mistake.
    if (!seat.readOnly) this.#takeSize(seat);
  }

  drained(seat: Seat): void {
    if (seat.sight !== 'behind') return;
    seat.sight = 'blind';
    this.#askScreen();
  }

  rechecked(seat: Seat): void {
    if (!seat.recheck()) return;
    if (this.#sizeOf === seat) this.#sizeOf = undefined;
    seat.refuse(new BorealisError('SHELL_READ_ONLY'), this.#parts.clock.monotonic());
    this.audience.tell({ type: 'viewers', viewers: this.audience.present });
  }

  #takeSize(seat: Seat): void {
    this.#sizeOf = seat;
    const { cols, rows } = seat.size;
    if (cols === this.#wanted.cols && rows === this.#wanted.rows) return;
    this.#wanted = seat.size;
    this.#link?.resize(seat.size);
  }

  /** Why it stands still, where it does. */
  get standsStill(): BorealisError | null {
    return this.#stuck;
  }

  kill(signal: 'SIGHUP' | 'SIGKILL'): void {
    this.#link?.kill(signal);
  }

  // The end

  /** What is recorded is made whole, then the store and everybody hears of it. `exit` is null where it was not seen. */
  async end(exit: ShellExit | null): Promise<void> {
    if (this.#over) return this.#ended.promise;
    this.#over = true;
    const finished = this.recorder ? await this.recorder.finish(exit ? 'complete' : 'cut_off') : true;
    // The engine ends first; the next one takes the shell up, and the agent still knows how it ended.
    if (!finished) return;
    await this.#parts.ended(this, exit);
    if (exit) this.#link?.ack(exit.offset);
    this.#link?.end();
    this.#lastWord = { type: 'ended', exit_code: exit?.exit_code ?? null, signal: exit?.signal ?? null };
    this.audience.tell(this.#lastWord);
    this.#ended.resolve();
  }

  /** The engine ends; the shell goes on. */
  async close(): Promise<void> {
    this.#over = true;
    this.#link?.destroy('The engine stops.');
    await this.recorder?.close();
  }
}
