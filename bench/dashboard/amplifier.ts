/**
 * Between a dashboard and the engine: all calls go through as they are. Of the engine's own events as many copies are
 * made, each of another device, as an engine of so many events a second would have sent; and devices measure, as a fleet
 * of that size does, each in turn every 30 seconds. Whoever reads slowly is sent less, as the engine would do.
 */
import http from 'node:http';
import type { Socket } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import type { Event } from '../../src/protocol/event.ts';
import { guidsOf, nameOf, telemetryRow } from '../fleet/rows.ts';

const MEASURED_EACH_S = 30;
const PIECE_MS = 50;
/** Unread bytes above which nothing more is sent. */
const HIGH_WATER = 1_048_576;

export interface AmplifierOptions {
  readonly engine: string;
  readonly devices: number;
  readonly eventsPerS: number;
  /** The clock of whoever reads runs so many times as fast. */
  readonly factor: number;
}

export class Amplifier {
  readonly #options: AmplifierOptions;
  readonly #server: http.Server;
  readonly #wss = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  readonly #guids: readonly string[];
  readonly #sockets = new Set<WebSocket>();
  /** Sent so far. */
  events = 0;
  samples = 0;

  constructor(options: AmplifierOptions) {
    this.#options = options;
    this.#guids = guidsOf(options.devices);
    this.#server = http.createServer((request, response) => {
      const { method, url, headers } = request;
      const through = http.request(
        { socketPath: options.engine, agent: false, method, path: url, headers },
        (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
        },
      );
      through.on('error', () => response.destroy());
      request.pipe(through);
    });
    this.#server.on('upgrade', (request, socket: Socket, head) => {
      const url = request.url ?? '';
      socket.on('error', () => {}); // whoever looked has gone
      const serve = url.startsWith('/api/v1/events')
        ? (to: WebSocket) => this.#events(to, url)
        : url.startsWith('/api/v1/telemetry/stream')
          ? (to: WebSocket) => this.#telemetry(to)
          : undefined;
      if (!serve) return void socket.destroy();
      this.#wss.handleUpgrade(request, socket, head, (to) => {
        this.#sockets.add(to);
        to.on('close', () => this.#sockets.delete(to));
        serve(to);
      });
    });
  }

  async start(socket: string): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(socket, resolve));
  }

  close(): void {
    for (const socket of this.#sockets) socket.terminate();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #events(to: WebSocket, path: string): void {
    const { engine, devices, eventsPerS, factor } = this.#options;
    const from = new WebSocket(`ws+unix:${engine}:${path}`, { perMessageDeflate: false });
    let [due, last, index] = [0, performance.now(), 0];
    from.on('message', (data) => {
      const text = String(data);
      const event = JSON.parse(text) as Event;
      if (event.type !== 'device.changed') return to.send(text);
      const now = performance.now();
      due = Math.min(due + ((now - last) / 1_000) * eventsPerS * factor, eventsPerS * factor);
      last = now;
      for (; due >= 1 && to.bufferedAmount < HIGH_WATER; due--) {
        index = (index + 1) % devices;
        to.send(JSON.stringify({ ...event, guid: this.#guids[index], device: nameOf(index) }));
        this.events++;
      }
    });
    from.on('close', (code) => to.close(code >= 3_000 || code === 1_000 ? code : 1_001));
    from.on('error', () => to.terminate());
    to.on('close', () => from.terminate());
  }

  #telemetry(to: WebSocket): void {
    const { devices, factor } = this.#options;
    const begun = performance.now();
    let sent = 0;
    const timer = setInterval(() => {
      const due = (((performance.now() - begun) / 1_000) * factor * devices) / MEASURED_EACH_S;
      for (; sent < due && to.bufferedAmount < HIGH_WATER; sent++) {
        const { guid, at, ...measured } = telemetryRow(sent, devices);
        const sample = { ...measured, at: new Date(at).toISOString() };
        to.send(JSON.stringify({ device: nameOf(sent % devices), guid, sample }));
        this.samples++;
      }
    }, PIECE_MS);
    to.on('close', () => clearInterval(timer));
  }
}
