import { afterEach, expect, test, vi } from 'vitest';
import type { AgentChannel } from '../../../src/daemon/channel/agent-channel.ts';
import { Acknowledgements } from '../../../src/daemon/commands/acknowledgements.ts';

const sent: string[] = [];
const channel = {
  send: (frame: { corr_id: string }) => void sent.push(frame.corr_id),
} as unknown as AgentChannel;
const some = (from: number, count: number) =>
  Array.from({ length: count }, (_, at) => ({ channel, corrId: String(from + at) }));
const all = (count: number) => Array.from({ length: count }, (_, at) => String(at));

afterEach(() => {
  vi.useRealTimers();
  sent.length = 0;
});

test('many wait until no more come, and then all go, in their order', async () => {
  vi.useFakeTimers();
  const acknowledgements = new Acknowledgements();
  for (let at = 0; at < 500; at += 100) {
    acknowledgements.later(some(at, 100));
    await vi.advanceTimersByTimeAsync(150);
    expect(sent).toEqual([]);
  }
  await vi.advanceTimersByTimeAsync(200);
  expect(sent).toEqual(all(500));
});

test('where they do not cease to come, they wait for ten seconds at most', async () => {
  vi.useFakeTimers();
  const acknowledgements = new Acknowledgements();
  let told = 0;
  for (let at = 0; sent.length === 0; at += 1) {
    acknowledgements.later(some(at, 1));
    told += 100;
    await vi.advanceTimersByTimeAsync(100);
    expect(told).toBeLessThanOrEqual(10_100);
  }
  expect(sent[0]).toBe('0');
});

test('one by itself goes at once; those that wait go when the engine stops', () => {
  const acknowledgements = new Acknowledgements();
  acknowledgements.now({ channel, corrId: 'alone' });
  expect(sent).toEqual(['alone']);
  sent.length = 0;
  acknowledgements.later(some(0, 60));
  acknowledgements.close();
  expect(sent).toEqual(all(60));
});
