import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AGENT_PORT_FRAME_MAX, FROM_AGENT_PORT, TO_AGENT_PORT } from '../../src/protocol/agent-port.ts';
import {
  type AgentPortFrame,
  AgentPortFrameError,
  AgentPortReader,
  decodeFromShell,
  decodeToShell,
  encodeFrame,
  encodeJsonFrame,
  encodeOutput,
  FRAME_PAYLOAD_MAX,
  OUTPUT_FRAME_MAX,
  readFrames,
} from '../../src/protocol/agent-port-codec.ts';

const kind = fc.integer({ min: 0, max: 255 });
const payload = fc.uint8Array({ maxLength: 300 });

/** The same bytes in pieces of the given lengths, then the rest. */
function split(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const length of lengths) {
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  return [...pieces, bytes.subarray(at)];
}

describe('frames', () => {
  test('arrive as they were sent, however they are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(kind, payload)), fc.array(fc.nat(40)), (sent, lengths) => {
        const bytes = Buffer.concat(sent.map(([k, p]) => encodeFrame(k, p)));
        const reader = new AgentPortReader();
        const got = split(bytes, lengths).flatMap((piece) => reader.push(piece));
        expect(got.map((frame) => [frame.kind, [...frame.payload]])).toEqual(
          sent.map(([k, p]) => [k, [...p]]),
        );
        expect(reader.partial).toBe(false);
        const each: AgentPortFrame[] = [];
        for (const piece of split(bytes, lengths)) reader.each(piece, (frame) => each.push(frame));
        expect(each).toEqual(got);
      }),
    );
  });

  test('that were read stay as they are when the bytes they came in are written over', () => {
    const reader = new AgentPortReader();
    const bytes = encodeFrame(9, Buffer.from('abc'));
    const [frame] = reader.push(bytes);
    bytes.fill(0);
    expect(frame?.payload.toString()).toBe('abc');
  });

  test('of any bytes at all are read, or refused as no frames; memory is taken for what is announced within the limit only', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 })), (chunks) => {
        const reader = new AgentPortReader(1_000);
        try {
          for (const chunk of chunks)
            for (const frame of reader.frames(chunk)) {
              expect(frame.payload.length).toBeLessThan(1_000);
              expectSaneOrRefused(frame);
            }
        } catch (error) {
          expect(error).toBeInstanceOf(AgentPortFrameError);
          expect(() => reader.push(Buffer.from([1]))).toThrow(AgentPortFrameError);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('one by one are the same, and refused at the same place', () => {
    // Mostly lengths that may be: else nothing but the first is ever reached.
    const bytes = fc.array(
      fc.oneof(
        fc.uint8Array({ maxLength: 8 }),
        fc.tuple(kind, payload).map(([k, p]) => encodeFrame(k, p)),
      ),
    );
    const read = (limit: number, chunks: readonly Uint8Array[], way: 'each' | 'frames') => {
      const reader = new AgentPortReader(limit);
      const got: AgentPortFrame[] = [];
      try {
        for (const chunk of chunks) {
          if (way === 'each') reader.each(chunk, (frame) => got.push(frame));
          else got.push(...reader.frames(chunk));
        }
      } catch (error) {
        return { got, refused: (error as Error).message };
      }
      return { got, partial: reader.partial };
    };
    fc.assert(
      fc.property(bytes, fc.array(fc.nat(40)), fc.integer({ min: 1, max: 400 }), (sent, lengths, limit) => {
        const chunks = split(Buffer.concat(sent), lengths);
        const [one, other] = [read(limit, chunks, 'each'), read(limit, chunks, 'frames')];
        expect(one.refused).toBe(other.refused);
        if (one.refused === undefined) expect(one).toEqual(other);
      }),
      { numRuns: 500 },
    );
  });

  test('of known kinds with any payload decode or are refused', () => {
    fc.assert(
      fc.property(
        fc.oneof(kind, fc.constantFrom(...Object.values(TO_AGENT_PORT), ...Object.values(FROM_AGENT_PORT))),
        fc.oneof(
          payload.map((p) => Buffer.from(p)),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (k, p) => expectSaneOrRefused({ kind: k, payload: p }),
      ),
      { numRuns: 2_000 },
    );
  });

  test('longer than the limit are refused before their payload, and so is the frame without a kind', () => {
    const long = Buffer.alloc(5);
    long.writeUInt32BE(AGENT_PORT_FRAME_MAX + 1);
    expect(() => new AgentPortReader().push(long)).toThrow(AgentPortFrameError);
    expect(() => new AgentPortReader().push(Buffer.alloc(5))).toThrow(AgentPortFrameError);
    const reader = new AgentPortReader();
    const largest = encodeFrame(1, Buffer.alloc(FRAME_PAYLOAD_MAX, 7));
    expect(reader.push(largest)[0]?.payload.length).toBe(FRAME_PAYLOAD_MAX);
    expect(() => encodeFrame(1, Buffer.alloc(FRAME_PAYLOAD_MAX + 1))).toThrow(RangeError);
  });

  test('after the first may be larger where the first raised the limit', () => {
    const reader = new AgentPortReader(10);
    const bytes = Buffer.concat([encodeFrame(1, Buffer.alloc(4)), encodeFrame(2, Buffer.alloc(100))]);
    const kinds: number[] = [];
    for (const frame of reader.frames(bytes)) {
      kinds.push(frame.kind);
      reader.limit = 1_000;
    }
    expect(kinds).toEqual([1, 2]);
  });

  test('of a stream: its end within one is an error', async () => {
    const whole = encodeFrame(3, Buffer.from('x'));
    const read = async (...chunks: Buffer[]) => {
      const kinds: number[] = [];
      for await (const frame of readFrames(Readable.from(chunks))) kinds.push(frame.kind);
      return kinds;
    };
    expect(await read(whole, whole.subarray(0, 2), whole.subarray(2))).toEqual([3, 3]);
    await expect(read(whole, whole.subarray(0, 2))).rejects.toThrow(AgentPortFrameError);
  });
});

test('output keeps its offset and its bytes', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), payload, (offset, bytes) => {
      const [frame] = new AgentPortReader().push(encodeOutput(offset, bytes));
      expect(decodeFromShell(frame!)).toEqual({ type: 'OUTPUT', offset, bytes: Buffer.from(bytes) });
    }),
  );
  const [largest] = new AgentPortReader().push(encodeOutput(1, Buffer.alloc(OUTPUT_FRAME_MAX)));
  expect(largest?.payload.length).toBe(FRAME_PAYLOAD_MAX);
});

test('an unknown key is refused', () => {
  const [frame] = new AgentPortReader().push(
    encodeJsonFrame(TO_AGENT_PORT.RESIZE, { cols: 80, rows: 24, colour: true }),
  );
  expect(() => decodeToShell(frame!)).toThrow(AgentPortFrameError);
});

function expectSaneOrRefused(frame: AgentPortFrame): void {
  for (const decode of [decodeToShell, decodeFromShell]) {
    try {
      expect(decode(frame).type).toBeTypeOf('string');
    } catch (error) {
      expect(error).toBeInstanceOf(AgentPortFrameError);
    }
  }
}
