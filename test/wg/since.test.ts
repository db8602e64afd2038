/** Changes that follow each other closely: each is made alone, and ends as if all had been looked at. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BorealisError } from '../../src/protocol/errors.ts';
import { apply } from '../../src/wg/apply.ts';
import { createNetwork } from '../../src/wg/network.ts';
import type { WantedNetwork } from '../../src/wg/types.ts';
import { keyPairs, peer } from './lab/wanted.ts';
import { Killed, Simulation } from './simulation.ts';

const NAME = 'borealis0';
const [own, ...KEYS] = keyPairs(5);

interface Device {
  readonly key: number;
  readonly address: number;
  readonly ports: readonly number[];
  readonly operator: boolean;
}

type Keep = <T>(one: T) => T;
const anew: Keep = (one) => one;
/** The same object for the same value, as the engine has it for what stays. */
const keeping = (): Keep => {
  const kept = new Map<string, unknown>();
  return <T>(one: T): T => {
    const text = JSON.stringify(one);
    if (!kept.has(text)) kept.set(text, one);
    return kept.get(text) as T;
  };
};

const wantedOf = (
  devices: readonly Device[],
  { privateKey = own!.privateKey, keep = anew } = {},
): WantedNetwork => ({
  interfaces: [
    {
      name: NAME,
      privateKey,
      listenPort: 30_000,
      addresses: ['10.255.0.1/16'],
      routes: [],
      peers: devices.map(({ key, address }) =>
        keep(peer(KEYS[key]!, `10.255.0.${address}`, { persistentKeepalive: 1 })),
      ),
    },
  ],
  firewall: [
    {
      name: NAME,
      addresses: ['10.255.0.1'],
      incoming: [],
      outgoing: devices.flatMap(({ address, ports, operator }) =>
        ports.flatMap((port) => {
          const allowance = { address: `10.255.0.${address}`, protocol: 'tcp' as const, port };
          return [0, ...(operator ? [1_000] : [])].map((uid) => keep({ ...allowance, uid }));
        }),
      ),
    },
  ],
});

/** No key and no address twice. */
const devices: fc.Arbitrary<Device[]> = fc
  .tuple(fc.shuffledSubarray([0, 1, 2, 3]), fc.shuffledSubarray([2, 3, 4, 5], { minLength: 4 }))
  .chain(([keys, addresses]) =>
    fc.tuple(
      ...keys.map((key, index) =>
        fc.record({
          key: fc.constant(key),
          address: fc.constant(addresses[index]!),
          ports: fc.subarray([22, 80, 47_001]),
          operator: fc.boolean(),
        }),
      ),
    ),
  );

const commandsOf = (simulation: Simulation) => {
  const files: string[] = [];
  const { system } = simulation;
  const run: typeof system.run = (file, args, options) => {
    files.push(file);
    return system.run(file, args, options);
  };
  return { files, system: { ...system, run } };
};

const first: Device = { key: 0, address: 2, ports: [22], operator: false };
const second: Device = { key: 1, address: 3, ports: [22, 80], operator: true };

describe.each([{ module: true }, { module: false }])('with the kernel module: $module,', ({ module }) => {
  test('any follows any other in a rush as if all had been looked at', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(devices, { minLength: 2, maxLength: 6 }),
        fc.boolean(),
        async (rush, same) => {
          const simulation = new Simulation({ module });
          const network = createNetwork(simulation.system);
          const keep = same ? keeping() : anew;
          for (const one of rush) {
            await network.apply(wantedOf(one, { keep }));
            expect(await apply(simulation.system, wantedOf(one))).toEqual([]);
          }
        },
      ),
    );
  });

  test('killed in the midst of one, it is healed by the next engine', async () => {
    await fc.assert(
      fc.asyncProperty(devices, devices, fc.nat(3), async (one, two, life) => {
        const simulation = new Simulation({ module });
        const network = createNetwork(simulation.system);
        await network.apply(wantedOf(one));
        simulation.life = life;
        await network.apply(wantedOf(two)).catch((error: unknown) => {
          if (!(error instanceof Killed)) throw error;
        });
        simulation.life = Number.POSITIVE_INFINITY;
        await createNetwork(simulation.system).apply(wantedOf(two));
        expect(await apply(simulation.system, wantedOf(two))).toEqual([]);
      }),
    );
  });
});

test('one more in a rush takes no command, and names nobody else', async () => {
  const simulation = new Simulation({ module: false });
  const { files, system } = commandsOf(simulation);
  const network = createNetwork(system);
  await network.apply(wantedOf([first]));
  files.length = 0;
  await network.apply(wantedOf([first, second]));
  // The set of users has been there: the first device's is in it.
  expect(files).toEqual([]);
  expect(simulation.links.get(NAME)?.peers.get(KEYS[0]!.publicKey)?.touched).toBe(1);
  expect(await apply(simulation.system, wantedOf([first, second]))).toEqual([]);
});

test('the same once more, or one after a while, is looked at', async () => {
  const { files, system } = commandsOf(new Simulation({ module: false }));
  const network = createNetwork(system);
  await network.apply(wantedOf([first]));
  files.length = 0;
  await network.apply(wantedOf([first]));
  expect(files).toContain('ip');
  await system.sleep(5_000);
  files.length = 0;
  await network.apply(wantedOf([first, second]));
  expect(files).toContain('ip');
});

test.each([
  ['the table', (simulation: Simulation) => void simulation.nft.tables.clear()],
  [
    'the interface',
    (simulation: Simulation) => {
      simulation.links.clear();
      simulation.endProcesses();
    },
  ],
])('where %s has gone meanwhile, it is made again', async (_, take) => {
  const simulation = new Simulation({ module: false });
  const network = createNetwork(simulation.system);
  await network.apply(wantedOf([first]));
  take(simulation);
  await network.apply(wantedOf([first, second]));
  expect(await apply(simulation.system, wantedOf([first, second]))).toEqual([]);
});

test('where the name is another’s meanwhile, that is left alone', async () => {
  const simulation = new Simulation({ module: false });
  const network = createNetwork(simulation.system);
  await network.apply(wantedOf([first]));
  simulation.links.clear();
  simulation.endProcesses();
  const theirs = simulation.addLink(NAME, { kind: 'wireguard' });
  await expect(network.apply(wantedOf([first, second]))).rejects.toBeInstanceOf(BorealisError);
  expect(theirs.peers.size).toBe(0);
});

test('another key of its own is no small change', async () => {
  const simulation = new Simulation({ module: true });
  const network = createNetwork(simulation.system);
  await network.apply(wantedOf([first]));
  const wanted = wantedOf([first, second], { privateKey: KEYS[3]!.privateKey });
  await network.apply(wanted);
  expect(await apply(simulation.system, wanted)).toEqual([]);
});
