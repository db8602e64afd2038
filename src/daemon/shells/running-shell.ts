/**
 * One shell that runs on a device: one connection to its agent as long as that can be had, a recording, and whoever
 * watches. What comes from the agent goes to the recording and to the viewers; the agent may forget it once it is on disk.
 */
import type { Logger } from 'pino';
import type { ShellExit, ShellOpened } from '../../protocol/agent-port.ts';
import type { FromShell } from '../../protocol/agent-port-codec.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { Shell, ShellNotice } from '../../protocol/shell.ts';
import type { Clock } from '../../sys/clock.ts';
import type { Recorder, RecorderEars } from '../recordings/recorder.ts';
import type { LiveRecording } from '../recordings/rows.ts';
import type { DirectUser, TunnelSession, Tunnels } from '../tunnels/tunnels.ts';
import type { AgentLink } from './agent-link.ts';
import { Audience, type Size } from './audience.ts';
import { Connection, type ConnectionParts } from './connection.ts';
import { Output } from './output.ts';
import type { PortPurpose } from './port-token.ts';
import { presentRunning, type ShellFacts } from './present.ts';
import { Viewers, type Watched } from './viewers.ts';
import { Window } from './window.ts';

export interface ShellParts extends ConnectionParts {
  readonly tunnels: Pick<Tunnels, 'open' | 'current' | 'used'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called once, when nothing more can come of it. `exit` is null where its end was not seen. */
  readonly ended: (shell: RunningShell, exit: ShellExit | null) => Promise<void>;
  /** Called when the connection is gone and there may be a reason to try again. */
  readonly lost: (shell: RunningShell) => void;
}

export class RunningShell implements RecorderEars, Watched {
  readonly facts: ShellFacts;
  readonly audience = new Audience();
  readonly viewers: Viewers;
  /** Why nobody may use it any more: it is killed as soon as its device is reached. */
  condemned: BorealisError | null = null;
  lastWord: ShellNotice | undefined;
  readonly #parts: ShellParts;
  readonly #connection: Connection;
  readonly #output: Output;
  readonly #window: Window;
  #stuck: BorealisError | null = null;
  #over = false;
  readonly #ended = Promise.withResolvers<void>();

  constructor(facts: ShellFacts, size: Size, parts: ShellParts) {
    const { audience } = this;
    const connection = new Connection(parts, {
      over: () => this.#over,
      opened: (link, opened) => this.#opened(link, opened),
      frame: (frame) => this.#heard(frame),
      drained: () => audience.resume(),
      lost: (reason) => this.#lost(reason),
    });
    const output = new Output(size, { connection, audience, present: () => this.present() });
    const window = new Window(size, connection);
    const used = (bytes: number): void => parts.tunnels.used(facts.guid, bytes);
    this.viewers = new Viewers({
      shell: this,
      audience,
      connection,
      output,
      window,
      clock: parts.clock,
      used,
    });
    this.facts = facts;
    this.#parts = parts;
    this.#connection = connection;
    this.#output = output;
    this.#window = window;
  }

  get reachable(): boolean {
    return this.#connection.link !== undefined;
  }

  get over(): boolean {
    return this.#over;
  }

  /** Resolves when it has ended and that is on disk. */
  get whenEnded(): Promise<void> {
    return this.#ended.promise;
  }

  get size(): Size {
    return this.#output.size;
  }

  /** Null where the setting says that shells are not recorded. */
  get recorder(): Recorder | null {
    return this.#output.recorder;
  }

  get live(): LiveRecording | undefined {
    if (!this.recorder) return undefined;
    const { bytes, elapsedMs } = this.recorder;
    return { bytes, elapsedMs, ...this.size };
  }

  /** Takes up a recording; output goes on from where it stands. */
  record(recorder: Recorder): void {
    this.#output.record(recorder);
  }

  present(): Shell {
    const { reachable, size } = this;
    const { title } = this.#output;
    return presentRunning(this.facts, { reachable, title, size, viewers: this.audience.present });
  }

  // The connection

  /** Starts it on the device. Errors: SHELL_UNREACHABLE, and what the agent refuses it for. */
  begin(session: TunnelSession, purpose: Extract<PortPurpose, { purpose: 'shell' }>): Promise<void> {
    return this.#connection.dial(session, purpose, this.facts.startedBy);
  }

  /** Resolves when it is connected; brings the tunnel up where `by` is given. Errors: SHELL_UNREACHABLE, SHELL_ENDED. */
  async reach(by?: DirectUser): Promise<void> {
    if (this.#over) throw new BorealisError('SHELL_ENDED');
    try {
      await this.#connection.reach(this.facts, () => this.#output.received, by);
    } catch (error) {
      if (!(error instanceof BorealisError)) throw error;
      if (error.code !== 'SHELL_NOT_FOUND' && error.code !== 'SHELL_ENDED') throw error;
      await this.end(null);
      throw new BorealisError('SHELL_ENDED', { detail: 'The device knows it no more.' });
    }
  }

  #opened(link: AgentLink, opened: ShellOpened): void {
    this.facts.account = opened.user;
    this.#output.forgetScreen();
    if (this.condemned) return void link.kill('SIGKILL');
    this.#output.resized(opened);
    if (this.#stuck || this.recorder?.full) link.hold();
    this.#output.skipTo(opened.offset);
    this.#window.tell(link);
    this.audience.resume();
    this.#output.askScreen();
  }

  #lost(reason: string): void {
    if (this.#over) return;
    const { log, lost } = this.#parts;
    log.info({ shell: this.facts.id, device: this.facts.device, reason }, 'a shell is out of reach');
    this.audience.resume();
    this.audience.interrupt(reason);
    lost(this);
  }

  /** The tunnel is down: nothing is to be waited for on it. */
  disconnect(reason: string): void {
    this.#connection.link?.destroy(reason);
  }

  // What the agent says

  #heard(frame: FromShell): void {
    this.#take(frame);
    // Whatever it says takes up room until it is on disk.
    if (this.recorder?.full) this.#connection.link?.hold();
  }

  #take(frame: FromShell): void {
    const { link } = this.#connection;
    switch (frame.type) {
      case 'OUTPUT':
        return void this.#show(frame.offset, frame.bytes);
      case 'SCREEN':
        return void this.#output.screen(frame);
      case 'TYPED':
        if (this.facts.recordInput) this.recorder?.typed(frame.bytes);
        return;
      case 'RESIZED':
        return void this.#output.resized(frame);
      case 'EXIT':
        this.#output.skipTo(frame.offset);
        link?.linger();
        void this.end(frame);
        return;
      case 'REFUSED':
        return void link?.destroy(`The agent ended it: ${frame.code}.`);
      default:
        link?.destroy(`The agent says ${frame.type} where that has no place.`);
    }
  }

  #show(offset: number, bytes: Buffer): void {
    const fresh = this.#output.push(offset, bytes);
    if (fresh > 0 && this.audience.operator) this.#parts.tunnels.used(this.facts.guid, fresh);
  }

  // The recording

  stored(offset: number): void {
    const { link } = this.#connection;
    link?.ack(offset);
    if (!this.recorder?.full && !this.#stuck) link?.release();
  }

  stuck(error: BorealisError | null): void {
    const before = this.#stuck;
    const { link } = this.#connection;
    this.#stuck = error;
    const { log, clock } = this.#parts;
    if (error) {
      link?.hold();
      if (before) return;
      log.error({ err: error, shell: this.facts.id }, 'a shell stands still: it cannot be recorded');
      this.audience.interrupt(error.message);
      this.audience.refuse(error, clock.monotonic());
      return;
    }
    log.info({ shell: this.facts.id }, 'a shell goes on: it can be recorded again');
    link?.release();
    this.#output.askScreen();
  }

  /** Why it stands still, where it does. */
  get standsStill(): BorealisError | null {
    return this.#stuck;
  }

  kill(signal: 'SIGHUP' | 'SIGKILL'): void {
    this.#connection.link?.kill(signal);
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
    const { link } = this.#connection;
    if (exit) link?.ack(exit.offset);
    link?.end();
    this.lastWord = { type: 'ended', exit_code: exit?.exit_code ?? null, signal: exit?.signal ?? null };
    this.audience.tell(this.lastWord);
    this.#ended.resolve();
  }

  /** The engine ends; the shell goes on. */
  async close(): Promise<void> {
    this.#over = true;
    this.disconnect('The engine stops.');
    await this.recorder?.close();
  }
}
