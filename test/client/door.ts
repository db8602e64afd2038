/** A small real server on a Unix socket: says what it is told to, keeps what it hears. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type WebSocket, WebSocketServer } from 'ws';

export interface Heard {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export class Door {
  readonly directory = mkdtempSync(join(tmpdir(), 'borealis-door-'));
  /** A colon, because ws reads addresses of its own kind up to the first one. */
  readonly socket = join(this.directory, 'a:b.sock');
  readonly heard: Heard[] = [];
  readonly #server: Server;
  readonly #streams = new WebSocketServer({ noServer: true });
  answer: (request: Heard, response: ServerResponse) => void = (_, response) => response.end('{}');
  stream: (ws: WebSocket, request: IncomingMessage) => void = (ws) => ws.close(1000);

  constructor() {
    this.#server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      request.on('end', () => {
        const heard = {
          method: request.method ?? '',
          url: request.url ?? '',
          headers: request.headers,
          body,
        };
        this.heard.push(heard);
        this.answer(heard, response);
      });
    });
    this.#server.on('upgrade', (request, socket, head) => {
      this.#streams.handleUpgrade(request, socket, head, (ws) => this.stream(ws, request));
    });
  }

  async open(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(this.socket, resolve));
    return this;
  }

  async close(): Promise<void> {
    for (const ws of this.#streams.clients) ws.terminate();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.directory, { recursive: true, force: true });
  }
}
