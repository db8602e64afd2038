/** What is wanted of ten thousand peers against what is there, one of them new: no step but that one. */
import { diff } from '../../src/wg/diff.ts';
import { generateKeyPair } from '../../src/wg/keys.ts';
import type { ObservedNetwork, WantedNetwork } from '../../src/wg/types.ts';
import { checkWanted } from '../../src/wg/wanted.ts';
import { inTurns, median, timed } from '../measure.ts';
import type { Row } from '../row.ts';

const PEERS = 10_000;
const NAME = 'borealis0';

export const diffRow = async (rounds: number): Promise<Row> => {
  const own = generateKeyPair();
  const peers = Array.from({ length: PEERS }, (_, index) => ({
    publicKey: generateKeyPair().publicKey,
    allowedIps: [`10.255.${index >> 8}.${index & 255}/32`],
    persistentKeepalive: 1,
  }));
  const addresses = ['10.254.0.1/15'];
  const wanted: WantedNetwork = {
    interfaces: [
      { name: NAME, privateKey: own.privateKey, listenPort: 30_000, addresses, routes: [], peers },
    ],
  };
  const seen = { presharedKeyDigest: null, lastHandshake: null, receivedBytes: 0, sentBytes: 0 };
  const observed: ObservedNetwork = {
    table: null,
    interfaces: new Map([
      [
        NAME,
        {
          state: 'present',
          interface: {
            driver: 'wireguard-go',
            publicKey: own.publicKey,
            listenPort: 30_000,
            up: true,
            mtu: 1_420,
            addresses,
            routes: [],
            peers: peers.slice(1).map((peer) => ({ ...peer, ...seen, endpoint: '192.0.2.1:1' })),
          },
        },
      ],
    ]),
  };
  const work = (): void => {
    const steps = diff(checkWanted(wanted), observed, NAME);
    if (steps.length !== 1 || steps[0]?.kind !== 'configure-device' || steps[0].change.peers?.length !== 1)
      throw new Error(`other steps than one for one peer: ${JSON.stringify(steps).slice(0, 200)}`);
  };
  const keys = peers.map(({ publicKey }) => publicKey);
  const bare = (): boolean => {
    const there = new Map(keys.map((key) => [key, key]));
    return keys.every((key) => there.get(key) === key);
  };
  const taken = await inTurns(rounds, { ours: () => timed(work), floor: () => timed(bare) });
  return {
    what: `diff of ${PEERS.toLocaleString('en')} peers, checked, one of them new`,
    unit: 'ms',
    measured: median(taken.ours),
    floor: median(taken.floor),
    floorOf: 'a Map of their keys, made and asked',
    promised: { atMost: 100 },
  };
};
