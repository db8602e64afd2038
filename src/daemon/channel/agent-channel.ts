/**
 * One agent's connection. There are ten thousand of these: no timers, no closures, no reference to the request that
 * opened it. Who handles what it says is the server's business.
 */
import { WebSocket } from 'ws';
import type { ToAgent } from '../../protocol/frame.ts';
import type { AgentContext } from '../../protocol/scalars.ts';
import type { Clock } from '../../sys/clock.ts';
import type { ConnectedAgent } from './accept.ts';
import type { Channel } from './channels.ts';

/** Bytes that may wait for a slow network before `send` refuses more. */
const UNSENT_LIMIT = 4 * 1024 * 1024;

/** `fresh` until HELLO, `greeting` while the device's state is read, `ready` from WELCOME on. */
export type ChannelPhase = 'fresh' | 'greeting' | 'ready' | 'closed';

export class AgentChannel implements Channel {
  readonly guid: string;
  readonly context: AgentContext;
  readonly address: string;
  /** Ed25519, 32 bytes as latin1 text, which weighs less than a typed array. */
  readonly #publicKey: string;
  readonly connectedAt: number;
  readonly certificateExpiresAt: number;
  name: string;
  wireguardKey: string | null = null;
  hostsServices = false;
  phase: ChannelPhase = 'fresh';
  /** Monotonic milliseconds: of the last whole frame; of the end of its life; since when bytes wait, or 0. */
  heardAt: number;
  readonly endsAt: number;
  unsentSince = 0;
  /** When it is looked at next (looks.ts); 0 where nobody asked for it. */
  lookAt = 0;
  /** `heardAt` when it was last stored as the device's last_seen. */
  storedAt: number;
  /** Milliseconds that the device's clock is ahead, as was last stored. */
  clockOffset = 0;
  /** What it may still say (budget.ts). */
  frameTokens: number;
  byteTokens: number;
  refilledAt: number;
  /** What only `pause` and `sendText` change is kept here: whoever looks at ten thousand of them need not ask their sockets. */
  #held = false;
  #mayWait = false;
  readonly #socket: WebSocket;
  readonly #clock: Clock;

  constructor(
    socket: WebSocket,
    agent: ConnectedAgent,
    rest: {
      readonly clock: Clock;
      readonly address: string;
      readonly endsAt: number;
      readonly frameTokens: number;
      readonly byteTokens: number;
    },
  ) {
    this.#socket = socket;
    this.#clock = rest.clock;
    this.guid = privateCopy(agent.guid);
    this.context = agent.context;
    this.name = privateCopy(agent.deviceName);
    this.address = privateCopy(rest.address);
    this.#publicKey = Buffer.from(agent.publicKey).toString('latin1');
    this.certificateExpiresAt = agent.certificateExpiresAt;
    this.connectedAt = rest.clock.now();
    this.heardAt = rest.clock.monotonic();
    this.storedAt = this.heardAt;
    this.refilledAt = this.heardAt;
    this.endsAt = rest.endsAt;
    this.frameTokens = rest.frameTokens;
    this.byteTokens = rest.byteTokens;
  }

  get lastHeardAt(): number {
    return Math.round(this.#clock.now() - (this.#clock.monotonic() - this.heardAt));
  }

  get publicKey(): Uint8Array {
    return Buffer.from(this.#publicKey, 'latin1');
  }

  /** Bytes handed over that the network has not taken yet. */
  get unsent(): number {
    if (!this.#mayWait) return 0;
    const bytes = this.#socket.bufferedAmount;
    this.#mayWait = bytes > 0;
    return bytes;
  }

  send(frame: ToAgent): boolean {
    return this.sendText(JSON.stringify(frame));
  }

  /** A frame that is JSON already. `taken` is called when the kernel has it, or the connection is gone. */
  sendText(text: string, taken?: () => void): boolean {
    const socket = this.#socket;
    if (this.phase === 'closed' || socket.readyState !== WebSocket.OPEN) return false;
    if (socket.bufferedAmount > UNSENT_LIMIT) return false;
    this.#mayWait = true;
    socket.send(text, taken);
    return true;
  }

  /** Stops reading from the network, so that the agent feels the brake; `resume` goes on. */
  pause(): void {
    this.#held = true;
    this.#socket.pause();
  }

  get paused(): boolean {
    return this.#held;
  }

  resume(): void {
    this.#held = false;
    this.#socket.resume();
  }

  hangUp(code: number, reason: string): void {
    // RFC 6455 §5.5: a control frame holds 125 bytes, two of them the code.
    const fits = Buffer.byteLength(reason) <= 123 ? reason : reason.slice(0, 40);
    this.#socket.close(code, fits);
    // A paused socket would never read the answer to the close.
    this.resume();
  }

  /** At once and without a word. */
  cut(): void {
    this.#socket.terminate();
  }
}

/** V8 lets a slice keep the whole text that it was cut from, here a request or a certificate, alive. */
const privateCopy = (text: string): string => Buffer.from(text, 'utf8').toString('utf8');
