/**
 * This device's end of a relay: WireGuard's packets over a TLS connection to the engine of their own, where UDP is
 * blocked. To WireGuard it is one more endpoint, on loopback.
 */
import { WebSocket } from 'ws';
import { BorealisError } from '../../protocol/errors.ts';
import { CLOSE } from '../../protocol/frame.ts';
import { RELAY_MESSAGE_MAX, RELAY_PATH, RELAY_PROTOCOL, relayHello } from '../../protocol/tunnel-session.ts';
import { PacketPump } from '../../wg/packet-pump.ts';
import type { Credentials } from '../credentials.ts';
import { dialWebSocket } from '../engine-socket.ts';
import type { AgentLog } from '../log.ts';
import { reachEngine } from '../tls.ts';

const OPEN_MS = 10_000;
const CLOSE_MS = 1_000;

export interface RelayParts {
  readonly credentials: Credentials;
  /** UDP port of this device's WireGuard. */
  readonly wireGuardPort: number;
  readonly log: AgentLog;
}

export class Relay {
  /** X25519, base64: with it the engine's WireGuard may be knocked at, to see whether UDP reaches it (udp-probe.ts). */
  readonly probeKey: string;
  /** Settles when it is over, however that came about. */
  readonly ended: Promise<void>;
  readonly #ws: WebSocket;
  readonly #pump: PacketPump;

  private constructor(parts: { ws: WebSocket; pump: PacketPump; probeKey: string; ended: Promise<void> }) {
    this.#ws = parts.ws;
    this.#pump = parts.pump;
    this.probeKey = parts.probeKey;
    this.ended = parts.ended;
  }

  /** Errors: as of the channel, TUNNEL_DOWN where the engine has no tunnel of this device, CANCELLED. */
  static async open({ credentials, wireGuardPort, log }: RelayParts, signal: AbortSignal): Promise<Relay> {
    const socket = await reachEngine(credentials.membership.address, signal, OPEN_MS);
    const opened = Promise.withResolvers<string>();
    const over = Promise.withResolvers<void>();
    // Dialled before anything waits for it: it is the handshake that takes its time.
    const ws = dialWebSocket({
      credentials,
      path: RELAY_PATH,
      protocol: RELAY_PROTOCOL,
      maxPayload: RELAY_MESSAGE_MAX,
      handshakeMs: OPEN_MS,
      over: socket,
      onRefused: opened.reject,
    });
    const pump = new PacketPump({
      ws,
      wireGuardPort,
      onTrouble: (error) => log.debug({ err: error }, 'the relay could not reach WireGuard'),
    });
    const abort = (): void => {
      opened.reject(new BorealisError('CANCELLED'));
      ws.terminate();
    };
    const late = setTimeout(() => {
      opened.reject(new BorealisError('TIMED_OUT', { detail: 'The engine opened no relay.' }));
      ws.terminate();
    }, OPEN_MS);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    ws.on('message', (data, isBinary) => {
      const binary = isBinary && Buffer.isBuffer(data) ? data : undefined;
      if (binary ? pump.fromWire(binary) : greeted(String(data), opened.resolve)) return;
      opened.reject(new BorealisError('SCHEMA_MISMATCH', { detail: 'What the relay said is unknown.' }));
      ws.close(CLOSE.malformed, 'no packets of WireGuard');
    });
    ws.on('close', (code, reason) => {
      opened.reject(
        new BorealisError('ENGINE_UNREACHABLE', { detail: `The relay was closed: ${code} ${reason}` }),
      );
      pump.close();
      over.resolve();
    });
    try {
      const [probeKey] = await Promise.all([opened.promise, pump.start()]);
      return new Relay({ ws, pump, probeKey, ended: over.promise });
    } catch (error) {
      ws.terminate();
      pump.close();
      throw error;
    } finally {
      clearTimeout(late);
      signal.removeEventListener('abort', abort);
    }
  }

  /** `127.0.0.1:PORT`, where WireGuard is to send. */
  get endpoint(): string {
    return `127.0.0.1:${this.#pump.port}`;
  }

  get isOpen(): boolean {
    return this.#ws.readyState === WebSocket.OPEN;
  }

  /** What comes from the engine is lost from now on, so that WireGuard does not turn back to where it came from. */
  hold(): void {
    this.#pump.hold();
  }

  release(): void {
    this.#pump.release();
  }

  /** Nothing of it is left when this resolves; at most about a second. */
  async close(): Promise<void> {
    this.#ws.close(CLOSE.clean);
    const timer = setTimeout(() => this.#ws.terminate(), CLOSE_MS);
    await this.ended;
    clearTimeout(timer);
  }
}

const greeted = (text: string, resolve: (probeKey: string) => void): boolean => {
  try {
    const hello = relayHello.safeParse(JSON.parse(text)).data;
    if (hello) resolve(hello.probe_key);
    return hello !== undefined;
  } catch {
    return false; // not JSON: the caller closes the relay
  }
};
