/** One copy's connection: frames both ways, as fast as the other side takes them; silence is the end of it. */
import type { Duplex } from 'node:stream';
import type { z } from 'zod';
import type { AgentPortFrame } from '../protocol/agent-port-codec.ts';
import {
  COPY,
  COPY_ALIVE_MS,
  COPY_SILENCE_MS,
  copyRefusal,
  FROM_AGENT_COPY,
  TO_AGENT_COPY,
} from '../protocol/copy.ts';
import { BorealisError, isErrorCode } from '../protocol/errors.ts';
import type { ChunkPool } from './chunk-pool.ts';

const HEADER_BYTES = 5;
/** For last words that the network does not take. */
const GOODBYE_MS = 1_000;

export interface CopyFrame {
  /** Of COPY. */
  readonly kind: number;
  readonly payload: Buffer;
}

/** It broke, and may be tried again. Everything else that is thrown is final. */
export class CopyInterrupted extends Error {
  override name = 'CopyInterrupted';
}

export interface CopyConnectionOptions {
  readonly socket: Duplex;
  /** What the other side says, beginning with its first frame of the copy. */
  readonly frames: AsyncIterable<AgentPortFrame>;
  /** Where their payloads come from, and go back to; none where each is its own. */
  readonly pool?: ChunkPool | undefined;
  /** Which end this is. */
  readonly side: 'operator' | 'agent';
  /** COPY_ALIVE_MS and COPY_SILENCE_MS where not given. */
  readonly aliveMs?: number;
  readonly silenceMs?: number;
}

export class CopyConnection {
  readonly #socket: Duplex;
  readonly #pool: ChunkPool | undefined;
  readonly #frames: AsyncIterable<AgentPortFrame>;
  readonly #out: number;
  readonly #in: number;
  readonly #alive: NodeJS.Timeout;
  #waitingSince: number | undefined;
  #corked = false;
  #broken: Error | undefined;
  #given: { readonly error: unknown } | undefined;
  #interrupt: ((error: unknown) => void) | undefined;

  constructor({
    socket,
    frames,
    pool,
    side,
    aliveMs = COPY_ALIVE_MS,
    silenceMs = COPY_SILENCE_MS,
  }: CopyConnectionOptions) {
    this.#socket = socket;
    this.#pool = pool;
    this.#frames = frames;
    this.#out = side === 'operator' ? TO_AGENT_COPY : FROM_AGENT_COPY;
    this.#in = side === 'operator' ? FROM_AGENT_COPY : TO_AGENT_COPY;
    socket.on('error', this.#onError);
    this.#alive = setInterval(() => this.#tick(silenceMs), aliveMs);
  }

  readonly #onError = (error: Error): void => {
    this.#broken ??= error;
  };

  #tick(silenceMs: number): void {
    const since = this.#waitingSince;
    if (since !== undefined && performance.now() - since > silenceMs)
      this.#socket.destroy(new Error('nothing was heard from the other side'));
    else void this.say(COPY.ALIVE, {}).catch(() => {}); // whoever waits for the connection hears that it broke
  }

  /** Resolves when there is room for more, with the payloads handed to the kernel where it had to wait. */
  send(kind: number, ...parts: readonly Uint8Array[]): Promise<void> {
    if (this.#broken || this.#socket.destroyed) return Promise.reject(this.#interruption());
    const header = Buffer.allocUnsafe(HEADER_BYTES);
    header.writeUInt32BE(1 + parts.reduce((sum, { length }) => sum + length, 0), 0);
    header.writeUInt8(this.#out + kind, HEADER_BYTES - 1);
    this.#cork();
    let room = this.#socket.write(header);
    for (const part of parts) room = this.#socket.write(part);
    return room ? READY : this.#drained();
  }

  /** The payload may be written to again when this resolves. */
  sendBorrowed(kind: number, payload: Uint8Array): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    if (this.#broken || this.#socket.destroyed) return Promise.reject(this.#interruption());
    const header = Buffer.allocUnsafe(HEADER_BYTES);
    header.writeUInt32BE(1 + payload.length, 0);
    header.writeUInt8(this.#out + kind, HEADER_BYTES - 1);
    this.#cork();
    this.#socket.write(header);
    this.#socket.write(payload, (error) => (error ? reject(this.#interruption(error)) : resolve()));
    return promise;
  }

  say(kind: number, value: object): Promise<void> {
    return this.send(kind, Buffer.from(JSON.stringify(value), 'utf8'));
  }

  /** What is said in one turn of the loop goes out in one call of the kernel. */
  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#socket.cork();
    setImmediate(() => {
      this.#corked = false;
      this.#socket.uncork();
    });
  }

  #drained(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const settle = (): void => {
      this.#socket.off('drain', settle).off('close', settle);
      if (this.#broken || this.#socket.destroyed) reject(this.#interruption());
      else resolve();
    };
    this.#socket.once('drain', settle).once('close', settle);
    return promise;
  }

  /**
   * Without ALIVE. Errors: CopyInterrupted where it ends without having been closed here; what the other side refused
   * with.
   */
  async *receive(): AsyncGenerator<CopyFrame, void, void> {
    const iterator = this.#frames[Symbol.asyncIterator]();
    try {
      yield* this.#received(iterator);
    } finally {
      this.#interrupt = undefined;
      // It may be waiting for what never comes; it is told, and not waited for.
      void iterator.return?.().catch(() => {});
    }
  }

  /** That payload has been used; its memory may be another's. */
  used(payload: Buffer): void {
    this.#pool?.give(payload);
  }

  /** Whoever receives hears of it, now or when they next ask. */
  give(error: unknown): void {
    this.#given ??= { error };
    this.#interrupt?.(error);
  }

  async *#received(iterator: AsyncIterator<AgentPortFrame>): AsyncGenerator<CopyFrame, void, void> {
    for (;;) {
      this.#waitingSince = performance.now();
      let step: IteratorResult<AgentPortFrame>;
      try {
        step = await this.#next(iterator);
      } catch (error) {
        if (this.#given) throw this.#given.error;
        throw this.#interruption(error as Error);
      } finally {
        this.#waitingSince = undefined;
      }
      if (step.done) throw this.#interruption();
      const { payload } = step.value;
      const kind = step.value.kind - this.#in;
      if (kind === COPY.ALIVE) continue;
      // A token that is not taken is refused by the port itself, in its own words (FROM_AGENT_PORT.REFUSED).
      if (kind === COPY.REFUSED || step.value.kind === PORT_REFUSED) throw refusalOf(payload);
      yield { kind, payload };
    }
  }

  #next(iterator: AsyncIterator<AgentPortFrame>): Promise<IteratorResult<AgentPortFrame>> {
    if (this.#given) return Promise.reject(this.#given.error);
    return new Promise((resolve, reject) => {
      this.#interrupt = reject;
      iterator.next().then(resolve, reject);
    });
  }

  #interruption(cause: Error | undefined = this.#broken): CopyInterrupted {
    return new CopyInterrupted(cause?.message ?? 'the connection ended', { cause });
  }

  /** Tells the other side why it does not go on, if it listens; resolves soon, whether or not. */
  async refuse({ code, message, next }: BorealisError): Promise<void> {
    this.say(COPY.REFUSED, { code, message, next }).catch(() => {}); // it has left: nobody to be told
    const { promise: soon, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, GOODBYE_MS);
    await Promise.race([this.end(), soon]);
    clearTimeout(timer);
  }

  /** Nothing more is said; the socket is its owner's business. */
  stop(): void {
    clearInterval(this.#alive);
  }

  /** What was said goes out, then the connection ends; resolves when the kernel has it, or it broke. */
  end(): Promise<void> {
    this.stop();
    return new Promise((resolve) => {
      this.#socket.once('close', () => resolve()).end(() => resolve());
    });
  }

  destroy(): void {
    this.stop();
    this.#socket.destroy();
  }
}

const READY = Promise.resolve();
/** FROM_AGENT_PORT.REFUSED. */
const PORT_REFUSED = 71;

export const otherwise = (): BorealisError =>
  new BorealisError('SCHEMA_MISMATCH', { detail: 'The other side of the copy speaks otherwise.' });

/** A JSON payload by its schema. Errors: SCHEMA_MISMATCH. */
export const readJson = <T>(schema: z.ZodType<T>, payload: Buffer): T => {
  let value: unknown;
  try {
    value = JSON.parse(payload.toString('utf8'));
  } catch (cause) {
    throw new BorealisError('SCHEMA_MISMATCH', {
      detail: 'The other side of the copy sends no JSON.',
      cause,
    });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw otherwise();
  return parsed.data;
};

const refusalOf = (payload: Buffer): BorealisError => {
  const { code, message, next } = readJson(copyRefusal, payload);
  const said = (text: string): string => text.replaceAll(/[\p{Cc}\p{Cf}]/gu, ' ').slice(0, 500);
  if (!isErrorCode(code)) return new BorealisError('COPY_FAILED', { detail: said(message) });
  const sentence = new BorealisError(code).message;
  const detail = message.startsWith(sentence) ? message.slice(sentence.length).trim() : message;
  return new BorealisError(code, { ...(detail && { detail: said(detail) }), next: said(next) });
};
