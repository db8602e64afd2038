import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { keepIdleBuffersSmall } from '../../src/sys/malloc.ts';
import { requires } from '../require.ts';

const residentKib = (): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]);

describe('idle buffers', requires('linux'), () => {
  test('a buffer of 64 KiB takes the pages that were written to, not those that others left behind', () => {
    expect(keepIdleBuffersSmall()).toBe(true);
    // What handshakes leave: memory that was written to and freed.
    let dirty = Array.from({ length: 1_000 }, () => Buffer.alloc(32_768, 1));
    dirty = [];
    expect(dirty).toHaveLength(0);
    const before = residentKib();
    const buffers = Array.from({ length: 1_000 }, () => Buffer.allocUnsafeSlow(65_536));
    for (const buffer of buffers) buffer[0] = 1;
    expect((residentKib() - before) / buffers.length).toBeLessThan(24);
    expect(buffers.every((buffer) => buffer[0] === 1)).toBe(true);
  });
});
