/** A viewer of a terminal, from the outside: a WebSocket whose messages are waited for one by one. */
import { WebSocket } from 'ws';
import type { Answer } from '../engine.ts';

export class Typist {
  readonly ws: WebSocket;
  /** Bytes as buffers, notices parsed. */
  readonly messages: unknown[] = [];
  readonly opened: Promise<void>;
  readonly closed: Promise<{ code: number; reason: string }>;
  /** The answer where it was refused before it began. */
  readonly refused: Promise<Answer>;
  #taken = 0;
  readonly #waiting = new Set<() => void>();

  constructor(socket: string, path: string) {
    this.ws = new WebSocket(`ws+unix://${socket}:/api/v1${path}`, { perMessageDeflate: false });
    this.ws.on('message', (data, binary) => {
      this.messages.push(binary ? (data as Buffer) : JSON.parse(String(data)));
      this.#wake();
    });
    this.ws.on('error', () => {
      // Told by `closed` or `refused`.
    });
    this.opened = new Promise((resolve) => this.ws.once('open', resolve));
    this.closed = new Promise((resolve) => {
      this.ws.on('close', (code, reason) => {
        resolve({ code, reason: String(reason) });
        this.#wake();
      });
    });
    this.refused = new Promise((resolve) => {
      this.ws.on('unexpected-response', (_request, response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('close', () => {
          const bytes = Buffer.concat(chunks);
          const text = bytes.toString('utf8');
          const { statusCode: status = 0, headers } = response;
          resolve({ status, headers, bytes, text, body: text === '' ? undefined : JSON.parse(text) });
          this.ws.terminate();
        });
      });
    });
  }

  type(bytes: string | Buffer): void {
    this.ws.send(Buffer.from(bytes as string));
  }

  ask(request: object): void {
    this.ws.send(JSON.stringify(request));
  }

  /** The next message. Fails where the terminal ends first. */
  async next<T = unknown>(): Promise<T> {
    await this.until(() => this.messages.length > this.#taken);
    return this.messages[this.#taken++] as T;
  }

  /** Waits until `holds`, asked anew with each message. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.ws.readyState === WebSocket.CLOSED) throw new Error('the terminal ended');
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** The next notice of that type; what came before it is passed over. */
  async notice<T extends { type: string }>(type: T['type']): Promise<T> {
    for (;;) {
      const message = await this.next<T | Buffer>();
      if (!Buffer.isBuffer(message) && message.type === type) return message;
    }
  }

  /** All bytes that came so far, as text. */
  get text(): string {
    return Buffer.concat(this.messages.filter((message) => Buffer.isBuffer(message))).toString('utf8');
  }

  async close(): Promise<void> {
    this.ws.close();
    await this.closed;
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}
