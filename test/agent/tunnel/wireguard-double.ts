/**
 * What a transport and a relay see of a WireGuard: a UDP port that speaks to where it last heard its peer, lets itself be
 * heard, counts, and answers handshakes of those that it knows. Real packets on real sockets; only their seals are missing.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { generateKeyPair } from '../../../src/wg/keys.ts';
import { answerTo } from '../../wg/handshake-answer.ts';

const HEADER = 16;
const KEEPALIVE_BYTES = 32;

export class WireGuardDouble {
  readonly keys = generateKeyPair();
  /** Words that came, in order. */
  readonly heard: string[] = [];
  /** Whose handshakes are answered. */
  readonly known = new Set<string>();
  endpoint: string | null = null;
  receivedBytes = 0;
  lastHandshake: number | null = null;
  /** Initiations that were answered. */
  answered = 0;
  #keepalive = 0;
  #counter = 0n;
  readonly #seen = new Set<bigint>();
  readonly #udp: Socket = createSocket('udp4');
  #beat: NodeJS.Timeout | undefined;

  /** `beatMs`: lets itself be heard so often, wherever its peer is. */
  static async start(beatMs?: number): Promise<WireGuardDouble> {
    const double = new WireGuardDouble();
    double.#udp.on('message', (packet, { port }) => double.#receive(packet, port));
    double.#udp.bind(0, '127.0.0.1');
    await once(double.#udp, 'listening');
    if (beatMs !== undefined) double.#beat = setInterval(() => double.say(''), beatMs);
    return double;
  }

  get port(): number {
    return this.#udp.address().port;
  }

  /** As `wg set` does: who turns the keepalive on is heard at once. */
  point(endpoint: string | null, keepalive: number): void {
    if (endpoint === null) {
      this.receivedBytes = 0;
      this.lastHandshake = null;
      this.#keepalive = 0;
    }
    const turnedOn = this.#keepalive === 0 && keepalive > 0;
    this.endpoint = endpoint;
    this.#keepalive = keepalive;
    if (turnedOn) this.say('');
  }

  say(text: string): void {
    const packet = Buffer.alloc(KEEPALIVE_BYTES + Buffer.byteLength(text));
    packet[0] = 4;
    this.#counter += 1n;
    packet.writeBigUInt64LE(this.#counter, 8);
    packet.write(text, HEADER);
    this.send(packet);
  }

  send(packet: Buffer): void {
    if (this.endpoint === null) return;
    this.#udp.send(packet, Number(this.endpoint.split(':')[1]), '127.0.0.1');
  }

  close(): void {
    clearInterval(this.#beat);
    this.#udp.close();
  }

  #receive(packet: Buffer, port: number): void {
    if (packet[0] === 1) {
      const answer = answerTo(packet, this.keys.privateKey, (key) => this.known.has(key));
      if (!answer) return;
      this.answered += 1;
      this.#udp.send(answer, port, '127.0.0.1');
      return;
    }
    const counter = packet.readBigUInt64LE(8);
    if (packet[0] !== 4 || this.#seen.has(counter)) return;
    this.#seen.add(counter);
    this.endpoint = `127.0.0.1:${port}`;
    this.receivedBytes += packet.length;
    this.lastHandshake ??= 1_790_000_000;
    const text = packet.subarray(HEADER, packet.length - HEADER).toString();
    if (text !== '') this.heard.push(text);
  }
}

/** A router between a device and an engine that lets UDP pass, or does not. */
export class UdpRouter {
  /** Which way nothing passes. */
  blocked: 'none' | 'both' | 'out' = 'none';
  readonly #to: number;
  readonly #inside: Socket = createSocket('udp4');
  readonly #outside = new Map<number, Socket>();

  private constructor(to: number) {
    this.#to = to;
  }

  static async start(to: number): Promise<UdpRouter> {
    const router = new UdpRouter(to);
    router.#inside.on('message', (packet, { port }) => router.#out(packet, port));
    router.#inside.bind(0, '127.0.0.1');
    await once(router.#inside, 'listening');
    return router;
  }

  get endpoint(): string {
    return `127.0.0.1:${this.#inside.address().port}`;
  }

  close(): void {
    this.#inside.close();
    for (const socket of this.#outside.values()) socket.close();
  }

  #out(packet: Buffer, port: number): void {
    if (this.blocked !== 'none') return;
    let socket = this.#outside.get(port);
    if (!socket) {
      socket = createSocket('udp4');
      socket.on('message', (answer) => {
        if (this.blocked !== 'both') this.#inside.send(answer, port, '127.0.0.1');
      });
      this.#outside.set(port, socket);
    }
    socket.send(packet, this.#to, '127.0.0.1');
  }
}
