import fc from 'fast-check';
import { expect, it } from 'vitest';
import { timestampOf } from '../../src/protocol/timestamp.ts';

it('writes what Date writes, for whatever Date can write', () => {
  fc.assert(
    fc.property(fc.integer({ min: -8_640_000_000_000_000, max: 8_640_000_000_000_000 }), (at) => {
      expect(timestampOf(at)).toBe(new Date(at).toISOString());
    }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_102_444_800_000 }), (at) => {
      expect(timestampOf(at)).toBe(new Date(at).toISOString());
    }),
  );
});

it('at the edges', () => {
  for (const at of [
    0, -1, 0.9, 1_763_769_599_999.999, 951_782_400_000, 253_402_300_799_999, 253_402_300_800_000,
  ])
    expect(timestampOf(at)).toBe(new Date(at).toISOString());
  for (const at of [Number.NaN, Number.POSITIVE_INFINITY, 8_640_000_000_000_001])
    expect(() => timestampOf(at)).toThrow(RangeError);
});
