/** What holds of a pair whoever decides about its address: the tests of ha.lab.test.ts and ha-keepalived.lab.test.ts. */
import { expect, test } from 'vitest';
import { BrokenPromise } from '../../broken-promise.ts';
import { type NodeName, other } from './bastions.ts';
import { allFaults, engineFaults, type Fault, faultsOf, longerThanALease } from './faults.ts';
import { randomly, round } from './ha-rounds.ts';
import { type HaWorld, VPN } from './ha-world.ts';
import { now } from './observer.ts';

/** Those of the holder by which the other one gets the address. */
const MOVING = ['agent killed', 'agent stopped', 'frozen', 'cut, both', 'unplugged'];

/** Where nothing is to happen. A machine that stands still for as long as a lease moves the address, and rightly. */
export const NOTHING = { timeout: 120_000, retry: 2 };

export interface FailoverOptions {
  /** Of faults at random. */
  readonly rounds: number;
  /** How often the address is given away while a TCP stream runs. */
  readonly turns: number;
}

/** What plain WireGuard takes until a client begins anew: ours does not leave it to the client. */
const CLIENT_MS = 10_000;

const found = (faults: readonly Fault[], wanted: string): Fault =>
  faults.find(({ name }) => name === wanted)!;

/** `world`: begun before the first test. Each test leaves a pair that is whole. */
export const failoverTests = (world: () => HaWorld, { rounds, turns }: FailoverOptions): void => {
  test.each(MOVING)('goes on with the other one: %s', { timeout: 120_000 }, async (what) => {
    const { bastions } = world();
    const [began, from] = [now(), await world().holder()];
    const fault = found(faultsOf(world(), from), `${from}: ${what}`);
    let end: () => Promise<void> = async () => undefined;
    const { silence } = await bastions.outage(from, async () => {
      end = await fault.begin();
    });
    expect(silence).toBeLessThan(CLIENT_MS);
    const over = now();
    await end();
    await world().ok();
    await bastions.pings.flow(now());
    expect(bastions.pings.since(over).silence).toBeLessThan(CLIENT_MS);
    // Not asked of what the driver does not promise: faults.ts.
    const isPromised = allFaults(world()).some(({ name }) => name === fault.name);
    if (isPromised && bastions.watch.doubles.some(({ at }) => at >= began))
      throw new BrokenPromise(`two had the address, ${fault.name}:\n${bastions.watch.told(began)}`);
  });

  test.each(['killed', 'stopped'])('stays where it is: engine %s', NOTHING, async (what) => {
    const { watch, pings } = world().bastions;
    const [began, from] = [now(), await world().holder()];
    const end = await found(engineFaults(world()), `engine: ${what}`).begin();
    await longerThanALease(world());
    const [seen, { lost }] = [watch.told(began), pings.since(began)];
    await end();
    await world().ok();
    expect([seen, lost]).toEqual(['', 0]);
    expect(await world().holder()).toBe(from);
  });

  test('a standby that is behind does not take the address from a dead primary until it is not', {
    timeout: 180_000,
  }, async () => {
    const { watch, pings, links, client } = world().bastions;
    const from = await world().holder();
    const standby = other(from);
    const key = client.run('wg', 'show', client.name, 'public-key').trim();
    const served = (name: NodeName): boolean =>
      world().bastions.node(name).run('wg', 'show', 'all', 'peers').includes(key);
    expect(served(standby)).toBe(true);
    const heal = links.toEngine(standby, 'both');
    await world().lab.json(['connection', 'disable', VPN, client.name]);
    await expect.poll(() => served(from), { timeout: 30_000 }).toBe(false);
    await world().says(standby, 'the other node knows of changes that did not come here');
    // So it would let in who is shut out.
    expect(served(standby)).toBe(true);
    await world().killAgent(from);
    await watch.nobody();
    const began = now();
    await longerThanALease(world());
    expect(watch.told(began)).toBe('');
    heal();
    await watch.alone(standby);
    expect(served(standby)).toBe(false);
    expect(pings.answered(began)).toBe(0);
    await world().startAgent(from);
    await world().lab.json(['connection', 'enable', VPN, client.name]);
    await pings.flow(now());
    await world().ok();
  });

  test('a TCP connection lives on, there and back again', { timeout: 120_000 }, async () => {
    const stream = world().bastions.streamToSite();
    for (let turn = 0; turn < turns; turn += 1) {
      await stream.flow(now());
      const from = await world().holder();
      await world().bastions.outage(from, async () => {
        await world().lab.json(['ha', 'switch', VPN]);
      });
      await stream.flow(now());
      await world().ok();
    }
    await stream.end();
  });

  test('under faults at random two never have the address, and one has it in the end', {
    timeout: 600_000,
  }, async () => {
    const seed = Date.now() % 2 ** 31;
    const random = randomly(seed);
    for (let count = 1; count <= rounds; count++) {
      await round(world(), random).catch((cause: unknown) => {
        throw new Error(`round ${count}, seed ${seed}: ${String(cause)}`, { cause });
      });
    }
    await world().ok();
  });
};
