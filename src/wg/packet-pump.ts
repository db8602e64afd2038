/**
 * WireGuard's packets between its UDP port on this machine and a WebSocket, both ways: one end of a relay. What waits is
 * bounded; beyond that packets are lost, as in any network, and the tunnel's own senders slow down.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { WebSocket } from 'ws';
import { isWireGuard, readPackets, writePackets } from '../protocol/relay-packets.ts';

const LOOPBACK = '127.0.0.1';
/** Unsent bytes above which packets are dropped. */
const UNSENT_LIMIT = 1_048_576;
/** Bytes of packets that make a message by themselves. */
const MESSAGE_BYTES = 32_768;
const SOCKET_BUFFER_BYTES = 4 * 1_048_576;

export interface PumpParts {
  /** Open, or about to be. Closing it is the caller's business. */
  readonly ws: Pick<WebSocket, 'send' | 'bufferedAmount' | 'readyState' | 'OPEN'>;
  /** WireGuard's own, on loopback: packets of nobody else are taken. */
  readonly wireGuardPort: number;
  /** It could not send for a moment; the packets are lost. */
  readonly onTrouble: (error: Error) => void;
}

export class PacketPump {
  readonly #parts: PumpParts;
  readonly #udp: Socket;
  readonly #waiting: Buffer[] = [];
  #bytes = 0;
  #port = 0;
  #held = false;
  #closed = false;

  constructor(parts: PumpParts) {
    this.#parts = parts;
    const recvBufferSize = SOCKET_BUFFER_BYTES;
    this.#udp = createSocket({ type: 'udp4', recvBufferSize, sendBufferSize: SOCKET_BUFFER_BYTES });
    this.#udp.on('error', parts.onTrouble);
    this.#udp.on('message', (packet: Buffer) => this.#fromWireGuard(packet));
  }

  /** On loopback, where WireGuard is to send; 0 before `start` and after `close`. */
  get port(): number {
    return this.#port;
  }

  async start(): Promise<void> {
    this.#udp.bind(0, LOOPBACK);
    await once(this.#udp, 'listening');
    if (this.#closed) return;
    this.#udp.connect(this.#parts.wireGuardPort, LOOPBACK);
    await once(this.#udp, 'connect');
    if (!this.#closed) this.#port = this.#udp.address().port;
  }

  /** A message of the other end; false where it holds what is no packet of WireGuard. */
  fromWire(message: Buffer): boolean {
    const packets = readPackets(message);
    if (!packets) return false;
    // Before the port is there they are lost; WireGuard sends again what counts.
    if (this.#port === 0 || this.#held) return true;
    for (const packet of packets) this.#udp.send(packet);
    return true;
  }

  /** From now on nothing that comes from the other end reaches WireGuard, which answers where it was last spoken to from. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#port = 0;
    this.#udp.close();
  }

  /** Those that come in one turn of the loop leave in one message. */
  #fromWireGuard(packet: Buffer): void {
    if (this.#parts.ws.bufferedAmount > UNSENT_LIMIT || !isWireGuard(packet)) return;
    if (this.#waiting.length === 0) setImmediate(() => this.#flush());
    this.#waiting.push(packet);
    this.#bytes += packet.length;
    if (this.#bytes >= MESSAGE_BYTES) this.#flush();
  }

  #flush(): void {
    const { ws } = this.#parts;
    if (this.#waiting.length === 0) return;
    const message = writePackets(this.#waiting.splice(0));
    this.#bytes = 0;
    if (ws.readyState === ws.OPEN) ws.send(message);
  }
}
