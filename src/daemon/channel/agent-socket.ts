/** The WebSocket below a channel: how an upgrade is answered, with which limits, and the listeners that all share. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, type Server, WebSocket, WebSocketServer } from 'ws';
import { CHANNEL_PROTOCOL, FRAME_MAX_BYTES } from '../../protocol/frame.ts';
import type { AgentChannel } from './agent-channel.ts';

/** How long a peer may take to answer a close before its socket is cut. */
export const CLOSE_MS = 3_000;

/** What `ws` makes of an upgrade, with the channel that it carries. */
export class AgentSocket extends WebSocket {
  channel: AgentChannel | undefined = undefined;
}

export interface SocketListeners {
  message(channel: AgentChannel, data: RawData, isBinary: boolean): void;
  /** A WebSocket ping or pong. False where the channel is closed for it. */
  control(channel: AgentChannel): boolean;
  /** `ws` refused what came (too large, bad UTF-8, bad framing) and has sent the close code for that. */
  failed(channel: AgentChannel, error: Error): void;
  /** `code` is the peer's close code, 1006 where the connection broke. */
  closed(channel: AgentChannel, code: number): void;
}

export class AgentSockets {
  readonly #server: Server<typeof AgentSocket>;
  readonly #shared: ReturnType<typeof shared>;

  constructor(listeners: SocketListeners) {
    const options = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: FRAME_MAX_BYTES,
      maxFragments: 64,
      maxBufferedChunks: 8_192,
      autoPong: false,
      closeTimeout: CLOSE_MS,
      handleProtocols: () => CHANNEL_PROTOCOL,
      WebSocket: AgentSocket,
    };
    this.#server = new WebSocketServer<typeof AgentSocket>(options);
    this.#shared = shared(listeners);
  }

  /** `opened` makes the channel of the socket, before anything is heard from it. */
  upgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    opened: (socket: AgentSocket) => AgentChannel,
  ): void {
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',');
    if (!offered.some((name) => name.trim() === CHANNEL_PROTOCOL)) {
      refuseUpgrade(socket, '400 Bad Request');
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (ws) => {
      ws.channel = opened(ws);
      ws.on('message', this.#shared.message);
      ws.on('ping', this.#shared.ping);
      ws.on('pong', this.#shared.pong);
      ws.on('error', this.#shared.error);
      ws.on('close', this.#shared.close);
    });
  }
}

/** The same five functions for every socket: a closure each would weigh more than the channel. */
const shared = (listeners: SocketListeners) => ({
  message(this: WebSocket, data: RawData, isBinary: boolean): void {
    const channel = channelOf(this);
    if (channel) listeners.message(channel, data, isBinary);
  },
  ping(this: WebSocket, data: Buffer): void {
    const channel = channelOf(this);
    if (channel && listeners.control(channel)) this.pong(data);
  },
  pong(this: WebSocket): void {
    const channel = channelOf(this);
    if (channel) listeners.control(channel);
  },
  error(this: WebSocket, error: Error): void {
    const channel = channelOf(this);
    if (channel) listeners.failed(channel, error);
  },
  close(this: WebSocket, code: number): void {
    const channel = channelOf(this);
    if (this instanceof AgentSocket) this.channel = undefined;
    if (channel) listeners.closed(channel, code);
  },
});

const channelOf = (socket: WebSocket): AgentChannel | undefined =>
  socket instanceof AgentSocket ? socket.channel : undefined;

export const refuseUpgrade = (socket: Duplex, status: string): void => {
  socket.once('error', () => {
    // The peer hung up first: it needs no answer.
  });
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
};

/** An IPv4 address that came through a dual-stack socket, as such. */
export const peerAddress = (request: IncomingMessage): string =>
  (request.socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '');
