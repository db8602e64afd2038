/**
 * Rounds of faults at random: one or two at once, for a while, then none. In none of them may two nodes have the address or
 * answer for it; after each of them one node alone has it, and the client is served. Under VRRP two may have it for as long
 * as they need to hear of each other when both begin at once: between two adverts.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { BrokenPromise } from '../../broken-promise.ts';
import { allFaults, type Fault } from './faults.ts';
import type { HaWorld } from './ha-world.ts';
import { now } from './observer.ts';

const [SHORTEST_MS, LONGEST_MS] = [100, 6_000];
const SETTLED_MS = 60_000;
const ADVERT_MS = 1_000;

/** The same sequence for the same seed: mulberry32. Numbers from 0 to 1. */
export const randomly = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** Throws, with all that was seen, where something was wrong. Resolves to what was done. */
export const round = async (world: HaWorld, random: () => number): Promise<string> => {
  const { watch, pings } = world.bastions;
  const faults = allFaults(world);
  const pick = (): Fault => faults[Math.floor(random() * faults.length)]!;
  const first = pick();
  const second = random() < 0.5 ? pick() : undefined;
  // Not two of one thing: the second would undo what is no more there.
  const chosen = second && second.name.split(':')[0] !== first.name.split(':')[0] ? [first, second] : [first];
  const long = SHORTEST_MS + random() * (LONGEST_MS - SHORTEST_MS);
  const done = `${chosen.map(({ name }) => name).join(' + ')}, ${Math.round(long)} ms`;
  const began = now();
  try {
    const undo: (() => Promise<void>)[] = [];
    for (const fault of chosen) undo.push(await fault.begin());
    // How long a fault lasts is part of it.
    await wait(long);
    // What was begun last ends first.
    for (const end of undo.reverse()) await end();
    await watch.anyAlone(SETTLED_MS);
    await pings.flow(now(), SETTLED_MS);
  } catch (cause) {
    throw new Error(`after ${done}: ${String(cause)}\n${watch.told(began)}`, { cause });
  }
  const isDouble =
    world.driver === 'own'
      ? watch.doubles.some(({ at }) => at >= began)
      : watch.longestDouble(began) > ADVERT_MS;
  if (isDouble) throw new BrokenPromise(`two had the address, ${done}:\n${watch.told(began)}`);
  const { silence, lost } = pings.since(began);
  return `${done}: silence ${Math.round(silence)} ms, ${lost} lost, ${watch.holders.join()} has it`;
};
