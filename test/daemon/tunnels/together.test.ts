import { expect, test } from 'vitest';
import { gather } from '../../../src/daemon/tunnels/gather.ts';
import { PeerLooks } from '../../../src/daemon/tunnels/peer-looks.ts';
import type { ObservedPeer } from '../../../src/wg/types.ts';

/** A clock that stands. */
const standing = () => {
  const clock = { at: 0, monotonic: () => clock.at };
  return clock;
};

test('who comes alone goes at once, who comes soon after goes with others', async () => {
  const clock = standing();
  const together = gather(5, clock);
  await together();
  const [one, two] = [together(), together()];
  expect(one).toBe(two);
  await one;
  expect(together()).not.toBe(one);
  clock.at = 5;
  const order: string[] = [];
  await Promise.all([
    gather(5, clock)().then(() => order.push('alone')),
    together().then(() => order.push('both')),
  ]);
  expect(order[0]).toBe('alone');
});

type Seen = readonly ObservedPeer[] | null;

const looks = () => {
  const asked: PromiseWithResolvers<Seen>[] = [];
  const clock = standing();
  const all = new PeerLooks(
    () => {
      const answer = Promise.withResolvers<Seen>();
      asked.push(answer);
      return answer.promise;
    },
    () => clock.at,
  );
  const turn = () => new Promise<void>((done) => setImmediate(done));
  return { asked, clock, all, turn };
};

test('those who ask while a look is under way share the next, which begins after they asked', async () => {
  const { asked, all, turn } = looks();
  const early = all.fresh();
  await turn();
  const late = [all.fresh(), all.fresh()];
  await turn();
  expect(asked).toHaveLength(1);
  asked[0]!.resolve(null);
  expect(await early).toBeNull();
  await turn();
  expect(asked).toHaveLength(2);
  asked[1]!.resolve([]);
  expect(await Promise.all(late)).toEqual([new Map(), new Map()]);
});

test('a look that fails is told to those who asked, and not to the next', async () => {
  const { asked, all, turn } = looks();
  const early = all.fresh();
  await turn();
  const late = all.fresh();
  asked[0]!.reject(new Error('no'));
  await expect(early).rejects.toThrow('no');
  await turn();
  asked[1]!.resolve([]);
  expect(await late).toEqual(new Map());
});

test('what was seen a moment ago will do for those who say so', async () => {
  const { asked, clock, all, turn } = looks();
  const first = all.recent(250);
  await turn();
  asked[0]!.resolve([]);
  await first;
  clock.at = 250;
  expect(await all.recent(250)).toEqual(new Map());
  expect(asked).toHaveLength(1);
  clock.at = 251;
  const again = all.recent(250);
  await turn();
  asked[1]!.resolve(null);
  expect(await again).toBeNull();
});
