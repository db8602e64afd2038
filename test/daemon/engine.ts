/** A whole engine in the test's own process: real store, real socket, real kernel credentials. Answers are checked. */
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import type { SettingKey } from '../../src/config/settings.ts';
import { type Engine, startEngine } from '../../src/daemon/engine.ts';
import type { Problem } from '../../src/protocol/operations.ts';
import { type Clock, systemClock } from '../../src/sys/clock.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly bytes: Buffer;
  readonly text: string;
  /** Parsed. */
  readonly body: unknown;
}

export interface TestEngineOptions {
  readonly flags?: Partial<Record<SettingKey, string>>;
  readonly clock?: Clock;
  /** Of an engine before; a new one otherwise. */
  readonly state?: string;
}

export class TestEngine {
  readonly engine: Engine;
  readonly state: string;

  private constructor(engine: Engine, state: string) {
    this.engine = engine;
    this.state = state;
  }

  static async start({ flags, clock, state }: TestEngineOptions = {}): Promise<TestEngine> {
    const directory = state ?? join(mkdtempSync(join(tmpdir(), 'borealis-engine-')), 'state');
    const engine = await startEngine({
      state: directory,
      flags: { listen: '127.0.0.1:0', ...flags },
      env: {},
      clock: clock ?? systemClock,
      checkOutput: true,
    }).catch((error: unknown) => {
      if (state === undefined) rmSync(join(directory, '..'), { recursive: true, force: true });
      throw error;
    });
    return new TestEngine(engine, directory);
  }

  get socket(): string {
    return this.engine.socket;
  }

  /** `path` below /api/v1. An object as body is sent as JSON, a string or buffer as it is. */
  call(
    method: string,
    path: string,
    body?: object | string | Buffer,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return callSocket(this.socket, method, `/api/v1${path}`, body, headers);
  }

  watch(path: string): Watching {
    return new Watching(this.socket, path);
  }

  /** Ends the engine; its state stays unless it is to be removed. */
  async close({ keep = false } = {}): Promise<void> {
    await this.engine.close();
    if (!keep) rmSync(join(this.state, '..'), { recursive: true, force: true });
  }
}

export const callSocket = (
  socketPath: string,
  method: string,
  path: string,
  body?: object | string | Buffer,
  headers: Record<string, string> = {},
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const raw = body === undefined || typeof body === 'string' || Buffer.isBuffer(body);
    const sent = raw ? body : JSON.stringify(body);
    const outgoing = request(
      {
        socketPath,
        method,
        path,
        headers: {
          ...(!raw && { 'content-type': 'application/json' }),
          ...(sent !== undefined &&
            !headers['transfer-encoding'] && { 'content-length': Buffer.byteLength(sent) }),
          ...headers,
        },
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const bytes = Buffer.concat(chunks);
          const text = bytes.toString('utf8');
          const json = /json/.test(incoming.headers['content-type'] ?? '');
          const { statusCode: status = 0, headers } = incoming;
          resolve({ status, headers, bytes, text, body: json && text !== '' ? JSON.parse(text) : undefined });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(sent);
  });

export const problem = (answer: Answer): Problem => answer.body as Problem;

/** A stream from the outside: a WebSocket whose messages are waited for one by one. */
export class Watching {
  readonly ws: WebSocket;
  readonly messages: unknown[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly opened: Promise<void>;
  /** The answer where the stream was refused before it began. */
  readonly refused: Promise<Answer>;
  #taken = 0;
  readonly #waiting = new Set<() => void>();

  constructor(socket: string, path: string) {
    this.ws = new WebSocket(`ws+unix://${socket}:/api/v1${path}`);
    this.ws.on('message', (data) => {
      this.messages.push(JSON.parse(String(data)));
      this.#wake();
    });
    this.closed = new Promise((resolve) => {
      this.ws.on('close', (code, reason) => {
        resolve({ code, reason: String(reason) });
        this.#wake();
      });
    });
    this.opened = new Promise((resolve, reject) => {
      this.ws.on('open', () => resolve());
      this.ws.on('error', reject);
    });
    this.opened.catch(() => {
      // Who expects a refusal looks at `refused`.
    });
    this.refused = new Promise((resolve) => {
      this.ws.on('unexpected-response', (_request, incoming) => {
        let text = '';
        incoming.on('data', (chunk) => {
          text += chunk;
        });
        incoming.on('end', () => {
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            bytes: Buffer.from(text),
            text,
            body: JSON.parse(text),
          });
          this.ws.terminate();
        });
      });
    });
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /** The next message; fails where the stream ends before. */
  async next<T = unknown>(): Promise<T> {
    while (this.messages.length <= this.#taken) {
      if (this.ws.readyState >= WebSocket.CLOSING) throw new Error('the stream ended');
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
    return this.messages[this.#taken++] as T;
  }

  async take<T = unknown>(count: number): Promise<T[]> {
    const taken: T[] = [];
    while (taken.length < count) taken.push(await this.next<T>());
    return taken;
  }

  async close(): Promise<void> {
    this.ws.close();
    await this.closed;
  }
}
