/** One WebSocket to the engine, from the dialled socket to its close: HELLO, WELCOME, heartbeat, frames. */
import { WebSocket } from 'ws';
import { AGENT_PATHS } from '../protocol/enrolment.ts';
import { BorealisError } from '../protocol/errors.ts';
import {
  CHANNEL_PROTOCOL,
  CLOSE,
  FRAME_MAX_BYTES,
  type FromAgent,
  type ToAgent,
  toAgent,
} from '../protocol/frame.ts';
import type { Clock } from '../sys/clock.ts';
import type { Credentials } from './credentials.ts';
import { dialWebSocket, HANDSHAKE_MS } from './engine-socket.ts';
import { reachEngine } from './tls.ts';

const WELCOME_MS = 20_000;
const CLOSE_MS = 1_000;
/** Heartbeats without a word from the engine after which the connection counts as dead. */
const SILENT_HEARTBEATS = 2.5;

/** Where frames go; `send` is false when there is no channel, and the frame is then the sender's to keep. */
export interface Uplink {
  send(frame: FromAgent): boolean;
  /** Bytes that the network has not taken yet. */
  readonly buffered: number;
}

export type Hello = Extract<FromAgent, { type: 'HELLO' }>;
export type Welcome = Extract<ToAgent, { type: 'WELCOME' }>;
/** Frames that are not the channel's own business. */
export type Order = Extract<ToAgent, { type: 'COMMAND' | 'CANCEL' | 'RESULT_ACK' }>;
/** What is said of VPN services that this device hosts (protocol/bastion.ts); BASTION is not verified yet. */
export type BastionWord = Extract<ToAgent, { type: 'BASTION' | 'BASTION_SEEN' | 'BASTION_VOTE' }>;

export interface ChannelOptions {
  readonly credentials: Credentials;
  /** Without the time: that is read when it is sent, for the engine to see how far apart the clocks are. */
  readonly hello: Omit<Hello, 'type' | 'now'>;
  readonly clock: Clock;
  /** WELCOME has come. Called before any order, in the same turn, so that no order finds the link offline. */
  readonly onOpen: (channel: Channel) => void;
  readonly onOrder: (order: Order) => void;
  /** A signed word about the tunnel (protocol/tunnel-session.ts), not verified yet. */
  readonly onTunnel?: ((envelope: string) => void) | undefined;
  readonly onBastion?: ((word: BastionWord) => void) | undefined;
}

export interface ChannelEnd {
  /** RFC 6455 close code; 1006 when the connection just broke. */
  readonly code: number;
  readonly reason: string;
}

export class Channel implements Uplink {
  readonly welcome: Welcome;
  readonly ended: Promise<ChannelEnd>;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket, welcome: Welcome, ended: Promise<ChannelEnd>) {
    this.#socket = socket;
    this.welcome = welcome;
    this.ended = ended;
  }

  get buffered(): number {
    return this.#socket.bufferedAmount;
  }

  send(frame: FromAgent): boolean {
    if (this.#socket.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** Says goodbye, waits a second for the answer, then hangs up. */
  async close(): Promise<void> {
    this.#socket.close(CLOSE.clean);
    const timer = setTimeout(() => this.#socket.terminate(), CLOSE_MS);
    await this.ended;
    clearTimeout(timer);
  }
}

/**
 * Connects and introduces itself; done when the engine said WELCOME. Errors: the engine's own refusal (TOKEN_INVALID,
 * DEVICE_REVOKED …), PIN_MISMATCH, CLOCK_SKEW, ENGINE_UNREACHABLE, SCHEMA_MISMATCH, CANCELLED.
 */
export async function openChannel(options: ChannelOptions, signal: AbortSignal): Promise<Channel> {
  const { credentials, clock } = options;
  const over = await reachEngine(credentials.membership.address, signal);
  const opened = Promise.withResolvers<Channel>();
  const ended = Promise.withResolvers<ChannelEnd>();
  const socket = dialWebSocket({
    credentials,
    path: AGENT_PATHS.channel,
    protocol: CHANNEL_PROTOCOL,
    maxPayload: FRAME_MAX_BYTES,
    over,
    onRefused: opened.reject,
  });
  const abort = () => {
    opened.reject(new BorealisError('CANCELLED'));
    socket.terminate();
  };
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  const welcomeTimer = setTimeout(() => {
    opened.reject(new BorealisError('TIMED_OUT', { detail: 'The engine did not say WELCOME.' }));
    socket.terminate();
  }, HANDSHAKE_MS + WELCOME_MS);

  let heartbeat: Heartbeat | undefined;
  const malformed = (why: string): void => socket.close(CLOSE.malformed, why);
  const receive = (frame: ToAgent): void => {
    switch (frame.type) {
      case 'PONG':
        break;
      case 'PING':
        socket.send(JSON.stringify({ type: 'PONG', t: frame.t }));
        break;
      case 'WELCOME':
        if (heartbeat) malformed('a second WELCOME');
        else welcomed(frame);
        break;
      case 'TUNNEL':
        if (heartbeat) options.onTunnel?.(frame.envelope);
        else malformed('no WELCOME');
        break;
      case 'BASTION':
      case 'BASTION_SEEN':
      case 'BASTION_VOTE':
        if (heartbeat) options.onBastion?.(frame);
        else malformed('no WELCOME');
        break;
      default:
        if (heartbeat) options.onOrder(frame);
        else malformed('no WELCOME');
    }
  };
  const welcomed = (frame: Welcome): void => {
    clearTimeout(welcomeTimer);
    signal.removeEventListener('abort', abort);
    heartbeat = startHeartbeat(socket, frame.heartbeat_ms, clock);
    const channel = new Channel(socket, frame, ended.promise);
    options.onOpen(channel);
    opened.resolve(channel);
  };

  socket.on('open', () => {
    const now = new Date(clock.now()).toISOString();
    socket.send(JSON.stringify({ type: 'HELLO', ...options.hello, now }));
  });
  socket.on('message', (data, isBinary) => {
    const frame = isBinary ? undefined : parseFrame(data.toString());
    heartbeat?.heard();
    if (frame) receive(frame);
    else malformed('not a frame');
  });
  socket.on('close', (code, reason) => {
    clearTimeout(welcomeTimer);
    signal.removeEventListener('abort', abort);
    heartbeat?.stop();
    opened.reject(closedEarly(code, reason.toString()));
    ended.resolve({ code, reason: reason.toString() });
  });
  return opened.promise;
}

function parseFrame(text: string): ToAgent | undefined {
  try {
    return toAgent.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // not JSON: the caller closes the channel
  }
}

/** The engine hung up before WELCOME: what its close code means. */
export function closedEarly(code: number, reason: string): BorealisError {
  const detail = `The channel was closed with ${code}${reason ? ` (${reason})` : ''}.`;
  if (code === CLOSE.unauthorised) return new BorealisError('TOKEN_INVALID', { detail });
  if (code === CLOSE.forbidden)
    return new BorealisError(/quarantine/i.test(reason) ? 'DEVICE_QUARANTINED' : 'DEVICE_REVOKED', {
      detail,
    });
  if (code === CLOSE.malformed) return new BorealisError('SCHEMA_MISMATCH', { detail });
  if (code === CLOSE.tooFast) return new BorealisError('RATE_LIMITED', { detail });
  return new BorealisError('ENGINE_UNREACHABLE', { detail });
}

interface Heartbeat {
  heard(): void;
  stop(): void;
}

function startHeartbeat(socket: WebSocket, everyMs: number, clock: Clock): Heartbeat {
  const dead = setTimeout(() => socket.terminate(), everyMs * SILENT_HEARTBEATS);
  const beat = setInterval(() => {
    if (socket.readyState === WebSocket.OPEN)
      socket.send(JSON.stringify({ type: 'PING', t: Math.round(clock.monotonic()) }));
  }, everyMs);
  return {
    heard: () => void dead.refresh(),
    stop() {
      clearTimeout(dead);
      clearInterval(beat);
    },
  };
}
