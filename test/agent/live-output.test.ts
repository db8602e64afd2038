import { describe, expect, it } from 'vitest';
import type { Uplink } from '../../src/agent/channel.ts';
import { LiveOutput } from '../../src/agent/live-output.ts';
import { type FromAgent, fromAgent } from '../../src/protocol/frame.ts';

type Output = Extract<FromAgent, { type: 'OUTPUT' }>;

class Wire implements Uplink {
  buffered = 0;
  readonly frames: Output[] = [];
  send(frame: FromAgent): boolean {
    this.frames.push(fromAgent.parse(frame) as Output);
    return true;
  }
}
const id = 'c'.repeat(20);
const clock = (at = { ms: 0 }) => ({ at, now: () => at.ms, monotonic: () => at.ms });

describe('LiveOutput', () => {
  it('sends frames of at most 32 KiB, numbered from 0, characters whole over any border', () => {
    const wire = new Wire();
    const live = new LiveOutput(id, wire, clock());
    const text = 'aé€😀'.repeat(9_000);
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += 4_999) live.write('stdout', bytes.subarray(at, at + 4_999));
    live.end();
    expect(wire.frames.map(({ seq }) => seq)).toEqual(wire.frames.map((_, index) => index));
    expect(Math.max(...wire.frames.map(({ data }) => data.length))).toBeLessThanOrEqual(32_768);
    expect(wire.frames.every(({ data }) => data.isWellFormed())).toBe(true);
    expect(wire.frames.map(({ data }) => data).join('')).toBe(text);
  });

  it('gathers small writes of either stream', () => {
    const wire = new Wire();
    const live = new LiveOutput(id, wire, clock());
    for (let i = 0; i < 100; i++) live.write(i % 2 ? 'stderr' : 'stdout', Buffer.from('x'));
    live.end();
    expect(wire.frames).toMatchObject([
      { stream: 'stdout', data: 'x'.repeat(50) },
      { stream: 'stderr', data: 'x'.repeat(50) },
    ]);
  });

  it('drops output while the link is slow, and shows the gap', () => {
    const wire = new Wire();
    const live = new LiveOutput(id, wire, clock());
    const piece = Buffer.from('y'.repeat(32_768));
    live.write('stdout', piece);
    wire.buffered = 10_000_000;
    live.write('stdout', piece);
    live.write('stdout', piece);
    wire.buffered = 0;
    live.write('stdout', piece);
    live.end();
    expect(wire.frames.map(({ seq }) => seq)).toEqual([0, 3]);
  });

  it('sends a talkative program no faster than watchers read', () => {
    const wire = new Wire();
    const time = clock();
    const live = new LiveOutput(id, wire, time);
    const piece = Buffer.alloc(32_768, 'z');
    for (let i = 0; i < 3_000; i++) live.write('stdout', piece);
    const burst = wire.frames.length;
    expect(burst).toBe(32);
    time.at.ms = 10_000;
    for (let i = 0; i < 3_000; i++) live.write('stdout', piece);
    live.end();
    expect(wire.frames.length).toBe(64);
  });
});
