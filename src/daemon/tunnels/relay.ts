/**
 * The engine's end of relays: WireGuard's packets of a device that cannot send UDP, in messages of a WebSocket of its own,
 * so that no heartbeat waits behind them. To WireGuard each is one more endpoint, on loopback.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { CLOSE } from '../../protocol/frame.ts';
import { RELAY_MESSAGE_MAX, RELAY_PROTOCOL, type RelayHello } from '../../protocol/tunnel-session.ts';
import { generateKeyPair } from '../../wg/keys.ts';
import { PacketPump } from '../../wg/packet-pump.ts';
import type { ConnectedAgent } from '../channel/accept.ts';
import { refuseUpgrade } from '../channel/agent-socket.ts';

export interface RelayParts {
  /** UDP port of the engine's WireGuard, on loopback. */
  readonly port: number;
  readonly isOpen: (guid: string) => boolean;
  /** Whoever has the private half of this key may ask that WireGuard for handshakes; null: nobody any more. */
  readonly probed: (guid: string, publicKey: string | null) => void;
  readonly log: Logger;
}

interface Line {
  readonly guid: string;
  readonly ws: WebSocket;
  readonly pump: PacketPump;
}

export class Relay {
  readonly #parts: RelayParts;
  readonly #lines = new Map<string, Line>();
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
    return new Set([...this.#lines.values()].map(({ pump }) => pump.port));
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
    const pump = new PacketPump({
      ws,
      wireGuardPort: this.#parts.port,
      // WireGuard is not there for a moment (ECONNREFUSED): packets are lost, as packets are.
      onTrouble: (error) => this.#parts.log.debug({ err: error, guid }, 'a relay could not send'),
    });
    const line: Line = { guid, ws, pump };
    this.#lines.set(guid, line);
    ws.on('message', (data: RawData, isBinary: boolean) => {
      if (!isBinary || !Buffer.isBuffer(data) || !pump.fromWire(data))
        ws.close(CLOSE.malformed, 'no packets of WireGuard');
    });
    ws.on('error', (error) => this.#parts.log.debug({ err: error, guid }, 'a relay broke off'));
    ws.on('close', () => {
      pump.close();
      if (this.#lines.get(guid) !== line) return;
      this.#lines.delete(guid);
      this.#parts.probed(guid, null);
    });
    pump.start().then(
      () => this.#greet(line),
      (error: unknown) => {
        this.#parts.log.warn({ err: error, guid }, 'a relay has no port');
        ws.close(CLOSE.goingAway, 'no port');
      },
    );
  }

  #greet({ guid, ws }: Line): void {
    if (this.#lines.get(guid)?.ws !== ws || ws.readyState !== ws.OPEN) return;
    // Made here: a device that named one could name another's.
    const { privateKey, publicKey } = generateKeyPair();
    this.#parts.probed(guid, publicKey);
    ws.send(JSON.stringify({ type: 'RELAY', probe_key: privateKey } satisfies RelayHello));
  }
}
