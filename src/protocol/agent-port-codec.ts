/**
 * The frames of agent-port.ts as bytes, for both ends: in pieces as they arrive, out in one piece. Pure; each payload is
 * copied once. Whatever is not a frame is an AgentPortFrameError, after which the connection is to be ended: where the
 * next frame would begin cannot be known.
 */
import type { z } from 'zod';
import {
  AGENT_PORT_FRAME_MAX,
  agentPortRefusal,
  FROM_AGENT_PORT,
  runningShells,
  shellAck,
  shellExit,
  shellKill,
  shellOpened,
  shellResized,
  shellScreen,
  shellScreenRequest,
  TO_AGENT_PORT,
  terminalSize,
} from './agent-port.ts';

const HEADER_BYTES = 5;
const OFFSET_BYTES = 8;
const WORD = 2 ** 32;
/** Below it bytes are copied one by one: a view of memory costs more. */
const TINY_BYTES = 64;
/** Below it memory of its own costs more than what lies in it. */
const SMALL_BYTES = 1_024;
/** Most bytes of output that fit into one frame. */
export const OUTPUT_FRAME_MAX = AGENT_PORT_FRAME_MAX - 1 - OFFSET_BYTES;
export const FRAME_PAYLOAD_MAX = AGENT_PORT_FRAME_MAX - 1;

export interface AgentPortFrame {
  /** 0 to 255. */
  readonly kind: number;
  /** The frame's own: nothing else writes to it, unless who reads has it otherwise (`allocate`). */
  readonly payload: Buffer;
}

export class AgentPortFrameError extends Error {
  override name = 'AgentPortFrameError';
}

/** Takes bytes as they arrive. Holds no more than one frame that is not whole yet. */
export class AgentPortReader {
  /** Longest frame that is taken (kind and payload); may be raised once the other end is known. */
  limit: number;
  /** Where payloads lie; memory of its own for each unless whoever reads has used memory for them. */
  allocate: (bytes: number) => Buffer = ownMemory;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerFilled = 0;
  #payload: Buffer | undefined;
  #filled = 0;
  #broken = false;

  constructor(limit: number = AGENT_PORT_FRAME_MAX) {
    this.limit = limit;
  }

  /** Whether a frame has begun and is not whole: an end of the connection now cuts it off. */
  get partial(): boolean {
    return this.#headerFilled > 0;
  }

  /** The frames that are whole now, in order. Throws AgentPortFrameError; then nothing more is taken. */
  push(chunk: Uint8Array): AgentPortFrame[] {
    return [...this.frames(chunk)];
  }

  /** The same, one after another, so that what the first says (`limit`) holds for the next. To be read to its end. */
  *frames(chunk: Uint8Array): Generator<AgentPortFrame, void, void> {
    for (let at = 0; at < chunk.length; ) {
      at += this.#take(chunk, at);
      const frame = this.#whole();
      if (frame) yield frame;
    }
  }

  /** The same for a key and its echo, to which a generator is much. Throws what `hear` throws too; the rest is let go. */
  each(chunk: Uint8Array, hear: (frame: AgentPortFrame) => void): void {
    for (let at = 0; at < chunk.length; ) {
      const small = this.#small(chunk, at);
      if (small) {
        at += HEADER_BYTES + small.payload.length;
        hear(small);
        continue;
      }
      at += this.#take(chunk, at);
      const frame = this.#whole();
      if (frame) hear(frame);
    }
  }

  /** One that begins and ends here, as a key's does. */
  #small(chunk: Uint8Array, at: number): AgentPortFrame | undefined {
    const bytes = chunk[at + 3]! - 1;
    if (this.#headerFilled > 0 || chunk[at]! + chunk[at + 1]! + chunk[at + 2]! > 0) return undefined;
    if (!(bytes >= 0 && bytes < TINY_BYTES && bytes < this.limit)) return undefined;
    const from = at + HEADER_BYTES;
    if (from + bytes > chunk.length) return undefined;
    const payload = this.allocate(bytes);
    for (let next = 0; next < bytes; next++) payload[next] = chunk[from + next]!;
    return { kind: chunk[from - 1]!, payload };
  }

  #whole(): AgentPortFrame | undefined {
    const payload = this.#payload;
    if (!payload || this.#filled < payload.length) return undefined;
    this.#payload = undefined;
    this.#headerFilled = 0;
    return { kind: this.#header[HEADER_BYTES - 1]!, payload };
  }

  /** How many bytes of `chunk` from `at` were taken. */
  #take(chunk: Uint8Array, at: number): number {
    if (this.#broken) throw new AgentPortFrameError('The connection has been given up.');
    if (this.#payload) {
      const count = Math.min(chunk.length - at, this.#payload.length - this.#filled);
      this.#payload.set(chunk.subarray(at, at + count), this.#filled);
      this.#filled += count;
      return count;
    }
    let next = at;
    while (this.#headerFilled < HEADER_BYTES && next < chunk.length)
      this.#header[this.#headerFilled++] = chunk[next++]!;
    const count = next - at;
    if (this.#headerFilled < HEADER_BYTES) return count;
    const length = this.#header.readUInt32BE(0);
    if (length < 1 || length > this.limit) {
      this.#broken = true;
      throw new AgentPortFrameError(`A frame of ${length} bytes is not taken; ${this.limit} are the most.`);
    }
    this.#payload = this.allocate(length - 1);
    this.#filled = 0;
    return count;
  }
}

/** What is small lies with other small things, and nobody else's. */
const ownMemory = (bytes: number): Buffer =>
  bytes < SMALL_BYTES ? Buffer.allocUnsafe(bytes) : Buffer.allocUnsafeSlow(bytes);

/** The frames of a stream. Ends with it; AgentPortFrameError where it ends within a frame, and what the stream throws. */
export async function* readFrames(
  chunks: AsyncIterable<Uint8Array>,
  reader: AgentPortReader = new AgentPortReader(),
): AsyncGenerator<AgentPortFrame, void, void> {
  for await (const chunk of chunks) yield* reader.frames(chunk);
  if (reader.partial) throw new AgentPortFrameError('The connection ended within a frame.');
}

/** RangeError where the payload is longer than a frame may be, or `kind` no byte. */
export function encodeFrame(kind: number, payload: Uint8Array): Buffer {
  const frame = begin(kind, payload.length);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

/** `value` as the frame's schema in agent-port.ts has it. */
export const encodeJsonFrame = (kind: number, value: object): Buffer =>
  encodeFrame(kind, Buffer.from(JSON.stringify(value), 'utf8'));

/** FROM_AGENT_PORT.OUTPUT. `offset`: of the first byte; at most OUTPUT_FRAME_MAX bytes. */
export function encodeOutput(offset: number, bytes: Uint8Array): Buffer {
  const frame = begin(FROM_AGENT_PORT.OUTPUT, OFFSET_BYTES + bytes.length);
  // As two words: a BigInt for each echo costs more.
  putWord(frame, HEADER_BYTES, Math.floor(offset / WORD));
  putWord(frame, HEADER_BYTES + 4, offset % WORD);
  frame.set(bytes, HEADER_BYTES + OFFSET_BYTES);
  return frame;
}

function begin(kind: number, payloadBytes: number): Buffer {
  if (payloadBytes > FRAME_PAYLOAD_MAX) throw new RangeError(`${payloadBytes} bytes do not fit into a frame`);
  const frame = Buffer.allocUnsafe(HEADER_BYTES + payloadBytes);
  putWord(frame, 0, payloadBytes + 1);
  frame.writeUInt8(kind, HEADER_BYTES - 1);
  return frame;
}

/** 32 bits, big endian. */
function putWord(frame: Buffer, at: number, value: number): void {
  frame[at] = value >>> 24;
  frame[at + 1] = value >>> 16;
  frame[at + 2] = value >>> 8;
  frame[at + 3] = value;
}

export interface OutputBytes {
  readonly offset: number;
  /** A view of the frame's payload. */
  readonly bytes: Buffer;
}

export function decodeOutput(payload: Buffer): OutputBytes {
  if (payload.length < OFFSET_BYTES) throw new AgentPortFrameError('Output comes without its offset.');
  const offset = payload.readUInt32BE(0) * WORD + payload.readUInt32BE(4);
  if (!Number.isSafeInteger(offset)) throw new AgentPortFrameError('The offset of output is not a count.');
  return { offset, bytes: payload.subarray(OFFSET_BYTES) };
}

/** A JSON payload by its schema. Throws AgentPortFrameError, which quotes nothing of what was sent. */
export function decodeJson<T>(schema: z.ZodType<T>, payload: Buffer): T {
  let value: unknown;
  try {
    value = JSON.parse(UTF8.decode(payload));
  } catch (cause) {
    throw new AgentPortFrameError('A payload is not JSON.', { cause });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new AgentPortFrameError('A payload does not have the agreed form.');
  return parsed.data;
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** What the engine says to a shell, after its OPEN. */
export type ToShell =
  | { readonly type: 'INPUT'; readonly bytes: Buffer }
  | ({ readonly type: 'RESIZE' } & z.infer<typeof terminalSize>)
  | ({ readonly type: 'ACK' } & z.infer<typeof shellAck>)
  | ({ readonly type: 'SCREEN' } & z.infer<typeof shellScreenRequest>)
  | ({ readonly type: 'KILL' } & z.infer<typeof shellKill>);

/** Throws AgentPortFrameError. */
export function decodeToShell({ kind, payload }: AgentPortFrame): ToShell {
  switch (kind) {
    case TO_AGENT_PORT.INPUT:
      return { type: 'INPUT', bytes: payload };
    case TO_AGENT_PORT.RESIZE:
      return { type: 'RESIZE', ...decodeJson(terminalSize, payload) };
    case TO_AGENT_PORT.ACK:
      return { type: 'ACK', ...decodeJson(shellAck, payload) };
    case TO_AGENT_PORT.SCREEN:
      return { type: 'SCREEN', ...decodeJson(shellScreenRequest, payload) };
    case TO_AGENT_PORT.KILL:
      return { type: 'KILL', ...decodeJson(shellKill, payload) };
    default:
      throw new AgentPortFrameError(`A frame of kind ${kind} has no place here.`);
  }
}

/** What the agent says of shells. */
export type FromShell =
  | ({ readonly type: 'OPENED' } & z.infer<typeof shellOpened>)
  | ({ readonly type: 'OUTPUT' } & OutputBytes)
  | ({ readonly type: 'SCREEN' } & z.infer<typeof shellScreen>)
  | { readonly type: 'TYPED'; readonly bytes: Buffer }
  | ({ readonly type: 'RESIZED' } & z.infer<typeof shellResized>)
  | ({ readonly type: 'EXIT' } & z.infer<typeof shellExit>)
  | ({ readonly type: 'SHELLS' } & z.infer<typeof runningShells>)
  | ({ readonly type: 'REFUSED' } & z.infer<typeof agentPortRefusal>);

/** Throws AgentPortFrameError. */
export function decodeFromShell({ kind, payload }: AgentPortFrame): FromShell {
  switch (kind) {
    case FROM_AGENT_PORT.OPENED:
      return { type: 'OPENED', ...decodeJson(shellOpened, payload) };
    case FROM_AGENT_PORT.OUTPUT:
      return { type: 'OUTPUT', ...decodeOutput(payload) };
    case FROM_AGENT_PORT.SCREEN:
      return { type: 'SCREEN', ...decodeJson(shellScreen, payload) };
    case FROM_AGENT_PORT.TYPED:
      return { type: 'TYPED', bytes: payload };
    case FROM_AGENT_PORT.RESIZED:
      return { type: 'RESIZED', ...decodeJson(shellResized, payload) };
    case FROM_AGENT_PORT.EXIT:
      return { type: 'EXIT', ...decodeJson(shellExit, payload) };
    case FROM_AGENT_PORT.SHELLS:
      return { type: 'SHELLS', ...decodeJson(runningShells, payload) };
    case FROM_AGENT_PORT.REFUSED:
      return { type: 'REFUSED', ...decodeJson(agentPortRefusal, payload) };
    default:
      throw new AgentPortFrameError(`A frame of kind ${kind} has no place here.`);
  }
}
