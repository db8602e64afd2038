/** An end of a copy that says what it likes. */
import type { Socket } from 'node:net';
import { CopyConnection } from '../../src/copy/connection.ts';
import { receiveTree } from '../../src/copy/receive.ts';
import { sendTree } from '../../src/copy/send.ts';
import type { Source } from '../../src/copy/source.ts';
import { encodeFrame } from '../../src/protocol/agent-port-codec.ts';
import {
  COPY,
  COPY_VERSION,
  type CopyEntry,
  FROM_AGENT_COPY,
  TO_AGENT_COPY,
} from '../../src/protocol/copy.ts';
import { framesOf, newSendMemory, type Scratch, type Seen, socketPair, watching } from './parts.ts';

export interface Said {
  readonly kind: number;
  readonly payload: Buffer;
}

export class Liar {
  readonly #socket: Socket;
  readonly #base: number;
  readonly #frames: AsyncIterator<{ readonly kind: number; readonly payload: Buffer }>;
  readonly #theirs: number;

  constructor(socket: Socket, side: 'sender' | 'receiver') {
    this.#socket = socket;
    this.#base = side === 'sender' ? TO_AGENT_COPY : FROM_AGENT_COPY;
    this.#theirs = side === 'sender' ? FROM_AGENT_COPY : TO_AGENT_COPY;
    this.#frames = framesOf(socket)[Symbol.asyncIterator]();
    socket.on('error', () => {}); // the other end may cut it off, as it should
  }

  bytes(kind: number, ...parts: readonly Uint8Array[]): void {
    this.#socket.write(encodeFrame(this.#base + kind, Buffer.concat(parts)));
  }

  say(kind: number, value: object): void {
    this.bytes(kind, Buffer.from(JSON.stringify(value)));
  }

  begin(name = 'name', directory = true): void {
    this.say(COPY.BEGIN, { version: COPY_VERSION, sources: [{ name, directory }], into: null });
  }

  entries(...entries: readonly object[]): void {
    this.say(COPY.ENTRIES, { entries, last: false });
  }

  end(): void {
    this.say(COPY.ENTRIES, { entries: [], last: true });
    this.say(COPY.END, {});
  }

  index(index: number): Buffer {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(index);
    return bytes;
  }

  start(index: number, offset = 0): void {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(BigInt(offset));
    this.bytes(COPY.START, this.index(index), bytes);
  }

  /** The next frame of that kind; undefined where the other end hung up before. */
  async hear(kind: number): Promise<object | undefined> {
    for (;;) {
      const step = await this.#frames.next();
      if (step.done) return undefined;
      if (step.value.kind - this.#theirs === kind)
        return JSON.parse(step.value.payload.toString('utf8')) as object;
    }
  }

  /** Which of these comes first. */
  async next(...kinds: readonly number[]): Promise<number | undefined> {
    for (;;) {
      const step = await this.#frames.next();
      if (step.done) return undefined;
      const kind = step.value.kind - this.#theirs;
      if (kinds.includes(kind)) return kind;
    }
  }

  hangUp(): void {
    this.#socket.destroy();
  }
}

export const file = (path: string, size: number, change: object = {}): CopyEntry & { kind: 'file' } => ({
  kind: 'file',
  source: 0,
  path,
  mode: 0o644,
  mtime: 0,
  size,
  ...change,
});
export const directory = (path: string) => ({ kind: 'directory', source: 0, path, mode: 0o755, mtime: 0 });
export const link = (path: string, target: string) => ({ kind: 'link', source: 0, path, mtime: 0, target });

export interface Ended {
  readonly error?: { readonly code?: string } & Error;
  readonly seen: Seen;
}

/** A receiver of ours, and what `lie` sends it. */
export const receiveFrom = async (
  scratch: Scratch,
  to: string,
  lie: (liar: Liar) => Promise<void> | void,
  names?: readonly string[],
): Promise<Ended> => {
  const [near, far] = await socketPair(scratch);
  const connection = new CopyConnection({ socket: far, frames: framesOf(far), side: 'agent' });
  const seen = watching();
  const memory = { settled: new Set<string>() };
  const receiving = receiveTree({ connection, path: to, names, memory, watch: seen }).then(
    () => ({ seen }),
    (error: Error) => ({ seen, error }),
  );
  const ended = receiving.finally(() => connection.destroy());
  const liar = new Liar(near, 'sender');
  await lie(liar);
  const result = await ended;
  liar.hangUp();
  return result;
};

/** A sender of ours, and what `lie` answers it. */
export const sendTo = async (
  scratch: Scratch,
  sources: readonly Source[],
  lie: (liar: Liar) => Promise<void> | void,
): Promise<Ended> => {
  const [near, far] = await socketPair(scratch);
  const connection = new CopyConnection({ socket: near, frames: framesOf(near), side: 'operator' });
  const seen = watching();
  const ended = sendTree({ connection, sources, memory: newSendMemory(), watch: seen })
    .then(
      () => ({ seen }),
      (error: Error) => ({ seen, error }),
    )
    .finally(() => connection.destroy());
  const liar = new Liar(far, 'receiver');
  await lie(liar);
  const result = await ended;
  liar.hangUp();
  return result;
};
