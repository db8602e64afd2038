/**
 * The engine's end of relays: WireGuard's packets of a device that cannot send UDP, in messages of a WebSocket of its own,
 * so that no heartbeat waits behind them. To WireGuard each is one more endpoint, on loopback.
 */
import { createSocket, type Socket } from 'node:dgram';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { CLOSE } from '../../protocol/frame.ts';
import { readPackets, writePackets } from '../../protocol/relay-packets.ts';
import { RELAY_MESSAGE_MAX, RELAY_PROTOCOL } from '../../protocol/tunnel-session.ts';
import type { ConnectedAgent } from '../channel/accept.ts';
import { refuseUpgrade } from '../channel/agent-socket.ts';

/** Unsent bytes of one device above which packets are dropped, as a network would. */
const UNSENT_LIMIT = 1_048_576;
/** Bytes of packets that make a message by themselves. */
const MESSAGE_BYTES = 32_768;
const SOCKET_BUFFER_BYTES = 4 * 1_048_576;

export interface RelayParts {
  /** UDP port of the engine's WireGuard, on loopback. */
  readonly port: number;
  readonly isOpen: (guid: string) => boolean;
  readonly log: Logger;
}

interface Line {
  readonly guid: string;
  readonly ws: WebSocket;
  readonly udp: Socket;
  port: number;
  waiting: Buffer[];
  bytes: number;
}

export class Relay {
  readonly #parts: RelayParts;
  readonly #lines = new Map<string, Line>();
  readonly #ports = new Set<number>();
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: RELAY_MESSAGE_MAX,
    handleProtocols: () => RELAY_PROTOCOL,
  });

  constructor(parts: RelayParts) {
    this.#parts = parts;
  }

  /** From which relayed packets reach WireGuard. */
  get ports(): ReadonlySet<number> {
    return this.#ports;
  }

  /** Takes over an upgrade of an authenticated agent; never throws. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer, agent: ConnectedAgent): void {
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',');
    if (!offered.some((name) => name.trim() === RELAY_PROTOCOL)) refuseUpgrade(socket, '400 Bad Request');
    else if (agent.context !== 'system' || !this.#parts.isOpen(agent.guid))
      refuseUpgrade(socket, '409 Conflict');
    else this.#server.handleUpgrade(request, socket, head, (ws) => this.#opened(ws, agent.guid));
  }

  /** The tunnel is over, or its device may not have one any more. */
  end(guid: string): void {
    this.#lines.get(guid)?.ws.close(CLOSE.clean, 'the tunnel is over');
  }

  close(): void {
    for (const { ws } of this.#lines.values()) ws.close(CLOSE.goingAway, 'the engine stops');
    // Nobody waits for an answer: the packets' senders notice, and ask again.
    for (const { ws } of this.#lines.values()) ws.terminate();
  }

  #opened(ws: WebSocket, guid: string): void {
    this.#lines.get(guid)?.ws.close(CLOSE.superseded, 'a newer relay took this one’s place');
    const udp = createSocket({
      type: 'udp4',
      recvBufferSize: SOCKET_BUFFER_BYTES,
      sendBufferSize: SOCKET_BUFFER_BYTES,
    });
    const line: Line = { guid, ws, udp, port: 0, waiting: [], bytes: 0 };
    this.#lines.set(guid, line);
    ws.on('message', (data: RawData, isBinary: boolean) => this.#fromDevice(line, data, isBinary));
    ws.on('error', (error) => this.#parts.log.debug({ err: error, guid }, 'a relay broke off'));
    ws.on('close', () => this.#gone(line));
    udp.on('message', (packet: Buffer) => this.#fromWireGuard(line, packet));
    // WireGuard is not there for a moment (ECONNREFUSED): packets are lost, as packets are.
    udp.on('error', (error) => this.#parts.log.debug({ err: error, guid }, 'a relay could not send'));
    udp.bind(0, '127.0.0.1', () => {
      if (ws.readyState > 1) return;
      udp.connect(this.#parts.port, '127.0.0.1', () => {
        line.port = udp.address().port;
        this.#ports.add(line.port);
      });
    });
  }

  #fromDevice(line: Line, data: RawData, isBinary: boolean): void {
    const packets = isBinary && Buffer.isBuffer(data) ? readPackets(data) : undefined;
    if (!packets) line.ws.close(CLOSE.malformed, 'no packets of WireGuard');
    // Before the port is there they are lost; WireGuard sends again what counts.
    else if (line.port !== 0) for (const packet of packets) line.udp.send(packet);
  }

  /** Those that come in one turn of the loop leave in one message. */
  #fromWireGuard(line: Line, packet: Buffer): void {
    if (line.ws.bufferedAmount > UNSENT_LIMIT) return;
    if (line.waiting.length === 0) setImmediate(() => this.#flush(line));
    line.waiting.push(packet);
    line.bytes += packet.length;
    if (line.bytes >= MESSAGE_BYTES) this.#flush(line);
  }

  #flush(line: Line): void {
    if (line.waiting.length === 0) return;
    const message = writePackets(line.waiting);
    line.waiting = [];
    line.bytes = 0;
    if (line.ws.readyState === 1) line.ws.send(message);
  }

  #gone(line: Line): void {
    this.#ports.delete(line.port);
    if (this.#lines.get(line.guid) === line) this.#lines.delete(line.guid);
    line.udp.close();
  }
}
