import { expect, test } from 'vitest';
import type { AgentChannel } from '../../../src/daemon/channel/agent-channel.ts';
import { Looks } from '../../../src/daemon/channel/looks.ts';

const channel = (): AgentChannel => ({ lookAt: 0, phase: 'ready' }) as AgentChannel;

test('a channel is looked at once, when its time has come, and not before', () => {
  const looks = new Looks();
  const one = channel();
  looks.at(one, 10_300);
  expect([...looks.take(10_900)]).toEqual([]);
  expect([...looks.take(11_000)]).toEqual([one]);
  expect([...looks.take(99_000)]).toEqual([]);
});

test('asked for sooner it is looked at sooner, and not again at the later time; later changes nothing', () => {
  const looks = new Looks();
  const one = channel();
  looks.at(one, 30_000);
  looks.at(one, 5_000);
  looks.at(one, 60_000);
  expect([...looks.take(5_000)]).toEqual([one]);
  looks.at(one, 40_000);
  expect([...looks.take(30_000)]).toEqual([]);
  expect([...looks.take(40_000)]).toEqual([one]);
});

test('one that is not ready is not looked at, and may be asked for anew when it is', () => {
  const looks = new Looks();
  const one = channel();
  one.phase = 'greeting';
  looks.at(one, 5_000);
  expect([...looks.take(5_000)]).toEqual([]);
  one.phase = 'ready';
  looks.at(one, 6_000);
  expect([...looks.take(6_000)]).toEqual([one]);
});

test('what is asked for while some are looked at does not come in the same round', () => {
  const looks = new Looks();
  for (const one of [channel(), channel()]) looks.at(one, 1_000);
  let count = 0;
  for (const one of looks.take(1_500)) {
    count += 1;
    looks.at(one, 1_500 + 1);
  }
  expect(count).toBe(2);
  expect([...looks.take(2_000)]).toHaveLength(2);
});
