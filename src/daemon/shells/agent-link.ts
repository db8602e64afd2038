/** One connection to an agent's port, for one shell. Read a little at a time, in turn with all the others. */
import { connect, type Socket } from 'node:net';
import { TO_AGENT_PORT } from '../../protocol/agent-port.ts';
import {
  type AgentPortFrame,
  AgentPortReader,
  decodeFromShell,
  encodeFrame,
  encodeJsonFrame,
  type FromShell,
} from '../../protocol/agent-port-codec.ts';
import { limitSilence } from '../../sys/tcp-silence.ts';
import { writeAtOnce } from '../../sys/write-at-once.ts';
import type { Turns, Worker } from './turns.ts';

/** A device that is gone says nothing; the kernel asks after this long, then each second, ten times at most. */
const KEEPALIVE_MS = 5_000;
/** Nor does one that acknowledges nothing: whoever watches is told, and it is reached anew. */
const SILENCE_MS = 12_000;
/** Who said less than this within so many milliseconds is heard before those who say more. */
const LITTLE_BYTES = 16_384;
const LATELY_MS = 100;
const READ_BYTES = 65_536;
/** Typed bytes that the connection has not taken yet, above which nobody types more. */
const HIGH_WATER = 262_144;

export interface LinkEars {
  connected(): void;
  frame(frame: FromShell): void;
  /** After `input` said false. */
  drained(): void;
  /** Last, once. `code` is that of connect(2) or of the broken connection, where there is one. */
  closed(reason: string, code?: string): void;
}

export class AgentLink implements Worker {
  readonly #socket: Socket;
  readonly #reader = new AgentPortReader();
  readonly #turns: Turns;
  readonly #ears: LinkEars;
  readonly #hear = (frame: AgentPortFrame): void => {
    // What comes after the connection was given up is heard by nobody.
    if (!this.#socket.destroyed) this.#ears.frame(decodeFromShell(frame));
  };
  /** What came and was not heard yet; nothing more is read before that. */
  #chunk: Uint8Array | undefined;
  #stopped = false;
  #held = false;
  /** The other end has said all; so have we. */
  #ended = false;
  #said = false;
  /** Bytes that were heard, and since when they are counted. */
  #lately = 0;
  #since = 0;
  #congested = false;
  #lingers = false;
  #reason = 'The device ended the connection.';
  #code: string | undefined;

  constructor(to: { host: string; port: number }, turns: Turns, ears: LinkEars) {
    this.#turns = turns;
    this.#ears = ears;
    this.#socket = connect({
      ...to,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEPALIVE_MS,
      // The agent says its last word and ends; ours, that all of it is stored, comes after.
      allowHalfOpen: true,
      // One piece of memory for all that comes, and no stream between: an echo is there sooner.
      onread: {
        buffer: Buffer.allocUnsafeSlow(READ_BYTES),
        callback: (count, chunk) => this.#came(chunk, count),
      },
    });
    this.#socket.on('connect', () => {
      limitSilence(this.#socket, SILENCE_MS);
      ears.connected();
    });
    this.#socket.on('drain', () => {
      if (!this.#congested) return;
      this.#congested = false;
      ears.drained();
    });
    this.#socket.on('end', () => {
      this.#ended = true;
      this.#leave();
    });
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#code = error.code;
      this.#reason = `The connection to the device broke: ${error.message}.`;
    });
    this.#socket.on('close', () => {
      this.#turns.remove(this);
      ears.closed(this.#reason, this.#code);
    });
  }

  /** It is heard when it is its turn; no more is read before that, by false. */
  #came(buffer: Uint8Array, count: number): boolean {
    if (this.#said) return true;
    const now = performance.now();
    if (now - this.#since > LATELY_MS) {
      this.#since = now;
      this.#lately = 0;
    }
    this.#lately += count;
    this.#chunk = buffer.subarray(0, count);
    this.#turns.add(this, this.#lately < LITTLE_BYTES);
    this.#stopped = this.#held || this.#chunk !== undefined;
    return !this.#stopped;
  }

  work(): boolean {
    if (this.#held || this.#socket.destroyed) return false;
    const chunk = this.#chunk;
    this.#chunk = undefined;
    try {
      if (chunk) this.#reader.each(chunk, this.#hear);
    } catch (error) {
      this.destroy(`The device does not speak as agreed: ${(error as Error).message}`);
    }
    if (this.#stopped && !this.#held) this.#goOn();
    this.#leave();
    return false;
  }

  #goOn(): void {
    this.#stopped = false;
    this.#socket.resume();
  }

  /** Once all that it said was heard. */
  #leave(): void {
    if (this.#ended && !this.#lingers && !this.#chunk) this.#socket.destroy();
  }

  /** The agent's end is no reason to go: there is something left to say, then `end`. */
  linger(): void {
    this.#lingers = true;
  }

  /** Reads nothing until `release`: the kernel's buffers fill, then the agent waits. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#turns.add(this);
  }

  open(token: string): void {
    this.#write(encodeFrame(TO_AGENT_PORT.OPEN, Buffer.from(token, 'latin1')));
  }

  /** False where nothing more is to be typed until `drained`. */
  input(bytes: Uint8Array): boolean {
    this.#write(encodeFrame(TO_AGENT_PORT.INPUT, bytes));
    if (this.#socket.writableLength > HIGH_WATER) this.#congested = true;
    return !this.#congested;
  }

  resize(size: { cols: number; rows: number }): void {
    this.#write(encodeJsonFrame(TO_AGENT_PORT.RESIZE, { cols: size.cols, rows: size.rows }));
  }

  ack(offset: number): void {
    this.#write(encodeJsonFrame(TO_AGENT_PORT.ACK, { offset }));
  }

  screen(id: number): void {
    this.#write(encodeJsonFrame(TO_AGENT_PORT.SCREEN, { id }));
  }

  kill(signal: 'SIGHUP' | 'SIGTERM' | 'SIGKILL'): void {
    this.#write(encodeJsonFrame(TO_AGENT_PORT.KILL, { signal }));
  }

  /** What was written still goes out; nothing more is heard. */
  end(): void {
    this.#said = true;
    this.#socket.end();
    this.#goOn();
  }

  destroy(reason: string): void {
    if (!this.#socket.destroyed) this.#reason = reason;
    this.#socket.destroy();
  }

  #write(frame: Buffer): void {
    if (this.#socket.writable) writeAtOnce(this.#socket, frame);
  }
}
