import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { apply, teardown } from '../../src/wg/apply.ts';
import type { FirewallInterface, WantedInterface, WantedNetwork, WantedPeer } from '../../src/wg/types.ts';
import { keyPairs } from './lab/wanted.ts';
import { Killed, Simulation } from './simulation.ts';

const KEYS = keyPairs(6);
const NAMES = ['borealis0', 'borealis1'];

const addresses = ['10.255.0.2/32', '10.255.0.3/32', '10.255.0.4/32', 'fd00::7/128', '10.8.0.0/24'];
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

/** No address twice, as nobody may want it. */
const peers: fc.Arbitrary<WantedPeer[]> = fc
  .tuple(fc.shuffledSubarray(KEYS.slice(2)), fc.array(fc.nat(3), { minLength: 5, maxLength: 5 }))
  .chain(([keys, owners]) =>
    fc.tuple(
      ...keys.map(({ publicKey }, index) =>
        fc.record({
          publicKey: fc.constant(publicKey),
          presharedKey: optional(fc.constantFrom(null, KEYS[0]!.privateKey)),
          endpoint: optional(fc.constantFrom('192.0.2.1:1', '[2001:db8::1]:2')),
          persistentKeepalive: optional(fc.constantFrom(0, 25)),
          allowedIps: fc.constant(addresses.filter((_, at) => owners[at] === index)),
        }),
      ),
    ),
  );

const wantedInterface = (name: string, index: number): fc.Arbitrary<WantedInterface> =>
  fc.record({
    name: fc.constant(name),
    privateKey: fc.constantFrom(KEYS[0]!.privateKey, KEYS[1]!.privateKey),
    listenPort: optional(fc.constantFrom(30_000 + 10 * index, 30_001 + 10 * index)),
    mtu: optional(fc.constantFrom(1_280, 1_380)),
    addresses: optional(fc.subarray(['10.255.0.1/16', 'fd00::1/64', '10.9.0.1/24'])),
    routes: optional(fc.subarray(['10.7.0.0/16', 'fd01::/64', '10.6.0.1/32'])),
    peers: optional(peers),
  });

const allowances = fc.array(
  fc.record({
    address: fc.constantFrom('10.255.0.2', '10.255.0.3'),
    protocol: fc.constantFrom('tcp' as const, 'udp' as const),
    port: fc.constantFrom(22, 53, 47_001),
  }),
);
/** Of each protocol all are for a user, or none. */
const outgoing = fc
  .tuple(allowances, fc.option(fc.constantFrom(0, 1_000), { nil: undefined }))
  .map(([all, uid]) => all.map((one) => ({ ...one, ...(uid !== undefined && { uid }) })));
const firewall: fc.Arbitrary<FirewallInterface[]> = fc.subarray(NAMES).chain((names) =>
  fc.tuple(
    ...names.map((name) =>
      fc.record({
        name: fc.constant(name),
        addresses: fc.subarray(['10.255.0.1', '10.9.0.1']),
        outgoing,
        incoming: allowances,
      }),
    ),
  ),
);

const wantedNetwork: fc.Arbitrary<WantedNetwork> = fc.record({
  interfaces: fc
    .subarray(NAMES)
    .chain((names) => fc.tuple(...names.map((name) => wantedInterface(name, NAMES.indexOf(name))))),
  firewall: optional(fc.option(firewall)),
});

const furnish = (simulation: Simulation): string => {
  const other = simulation.addLink('eth0', { kind: 'veth', up: true });
  other.addresses.add('192.0.2.1/24');
  other.routes.set('10.200.0.0/16', '3');
  simulation.nft.load('table inet filter {\n}\n');
  return everything(simulation);
};

const everything = ({ links, nft }: Simulation): string =>
  JSON.stringify([[...links], [...nft.tables]], (_, value: unknown) =>
    value instanceof Map || value instanceof Set ? [...value] : value,
  );

describe.each([{ module: true }, { module: false }])('with the kernel module: $module,', ({ module }) => {
  test('any wanted network follows any other, a second apply does nothing, a teardown leaves nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(wantedNetwork, { minLength: 1, maxLength: 5 }), async (networks) => {
        const simulation = new Simulation({ module });
        const before = furnish(simulation);
        for (const network of networks) {
          await apply(simulation.system, network);
          expect(await apply(simulation.system, network)).toEqual([]);
          for (const wanted of network.interfaces ?? []) {
            const is = simulation.links.get(wanted.name)!;
            expect(is.up).toBe(true);
            expect(is.mtu).toBe(wanted.mtu ?? is.mtu);
            expect([...is.addresses].sort()).toEqual([...(wanted.addresses ?? is.addresses)].sort());
            expect([...is.routes.keys()].sort()).toEqual([...(wanted.routes ?? is.routes.keys())].sort());
            if (wanted.peers) {
              const allowed = [...is.peers].map(([key, peer]) => [key, [...peer.allowed].sort()]);
              const should = wanted.peers.map((peer) => [peer.publicKey, [...peer.allowedIps].sort()]);
              expect(Object.fromEntries(allowed)).toEqual(Object.fromEntries(should));
            }
          }
        }
        await teardown(simulation.system, { interfaces: NAMES, firewall: true });
        expect(everything(simulation)).toBe(before);
      }),
    );
  });

  test('killed before any change, it is healed by the next apply or removed by a teardown', async () => {
    await fc.assert(
      fc.asyncProperty(
        wantedNetwork,
        wantedNetwork,
        fc.nat(12),
        fc.boolean(),
        async (one, two, life, heal) => {
          const simulation = new Simulation({ module });
          const before = furnish(simulation);
          await apply(simulation.system, one);
          simulation.life = life;
          await apply(simulation.system, two).catch((error: unknown) => {
            if (!(error instanceof Killed)) throw error;
          });
          simulation.life = Number.POSITIVE_INFINITY;
          if (heal) {
            await apply(simulation.system, two);
            expect(await apply(simulation.system, two)).toEqual([]);
          }
          await teardown(simulation.system, { interfaces: NAMES, firewall: true });
          expect(everything(simulation)).toBe(before);
        },
      ),
    );
  });

  test('a peer that does not change is never named', async () => {
    await fc.assert(
      fc.asyncProperty(peers, peers, async (one, two) => {
        const simulation = new Simulation({ module });
        const [kept, ...others] = [KEYS[1]!, ...KEYS.slice(2)];
        expect(others).toHaveLength(4);
        const still = { publicKey: kept.publicKey, allowedIps: ['10.255.9.9/32'] };
        const network = (rest: WantedPeer[]): WantedNetwork => ({
          interfaces: [{ name: NAMES[0]!, privateKey: KEYS[0]!.privateKey, peers: [...rest, still] }],
        });
        await apply(simulation.system, network(one));
        await apply(simulation.system, network(two));
        expect(simulation.links.get(NAMES[0]!)?.peers.get(kept.publicKey)?.touched).toBe(1);
      }),
    );
  });

  test("a port of somebody else's WireGuard in the kernel is refused, and nothing is changed", async () => {
    const simulation = new Simulation({ module });
    simulation.addLink('wg0', { kind: 'wireguard', up: true, port: 30_000 });
    const before = everything(simulation);
    const wanted = { name: NAMES[0]!, privateKey: KEYS[0]!.privateKey, listenPort: 30_000 };
    const applied = apply(simulation.system, { interfaces: [wanted] });
    await expect(applied).rejects.toMatchObject({ code: 'PORT_TAKEN' });
    expect(everything(simulation)).toBe(before);
  });
});
