/** Where clients are, told from one node to the other over a network that loses and doubles datagrams. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ENDPOINTS_MAX,
  EndpointsReplica,
  EndpointsTeller,
  type PeerPlace,
} from '../../../src/agent/ha/endpoints.ts';
import { pairMessage } from '../../../src/agent/ha/messages.ts';
import { generateKeyPair } from '../../../src/wg/keys.ts';

const HOLDER = '0d4f5bd6-6a5f-4a9f-9f0e-2d2f7f9a6c11/abcdefghijkl';
const keys = Array.from({ length: 30 }, () => generateKeyPair().publicKey);
const place = (at: number, port: number | null): PeerPlace => ({
  publicKey: keys[at]!,
  endpoint: port === null ? null : `198.51.100.7:${port}`,
  lastHandshake: port === null ? null : 1_790_000_000,
});

describe('where clients are', () => {
  test('is known at the other node after one round and its answer', () => {
    const [teller, replica] = [new EndpointsTeller(HOLDER), new EndpointsReplica()];
    teller.saw(keys.map((_, at) => place(at, 1_000 + at)));
    expect(teller.isKnown).toBe(false);
    for (const message of teller.round())
      teller.acknowledged(replica.heard(pairMessage.parse(message) as never)!);
    expect(teller.isKnown).toBe(true);
    expect(replica.all.size).toBe(keys.length);
    expect(teller.round()).toEqual([]);
    teller.saw(keys.map((_, at) => place(at, at === 7 ? 9_999 : 1_000 + at)));
    expect(teller.round().flatMap(({ entries }) => entries)).toEqual([[keys[7], '198.51.100.7:9999']]);
  });

  test('fills no memory, whatever the other node tells', () => {
    const replica = new EndpointsReplica();
    const told = ENDPOINTS_MAX + 800;
    for (let upto = 8; upto <= told; upto += 8) {
      const entries = Array.from({ length: 8 }, (_, at): [string, string] => [
        `key ${upto - at}`,
        '198.51.100.7:1000',
      ]);
      expect(replica.heard({ t: 'peers', from: HOLDER, base: upto - 8, upto, entries })).toBe(upto);
    }
    expect(replica.all.size).toBe(ENDPOINTS_MAX);
    // Whose place is known is known when it is another one, or none.
    const entries: [string, string | null][] = [
      ['key 1', '198.51.100.7:2000'],
      ['key 2', null],
      ['key new', '198.51.100.7:1'],
    ];
    replica.heard({ t: 'peers', from: HOLDER, base: told, upto: told + 3, entries });
    expect([replica.all.get('key 1'), replica.all.has('key 2'), replica.all.has('key new')]).toEqual([
      '198.51.100.7:2000',
      false,
      true,
    ]);
  });

  test('is the same at both in the end, whatever is lost, doubled or late', () => {
    const change = fc.array(fc.tuple(fc.nat(29), fc.option(fc.integer({ min: 1, max: 65_535 }))), {
      maxLength: 12,
    });
    const round = fc.record({
      change,
      fate: fc.array(fc.constantFrom('lost', 'once', 'twice', 'late'), { maxLength: 8 }),
    });
    fc.assert(
      fc.property(fc.array(round, { maxLength: 12 }), (rounds) => {
        const [teller, replica] = [new EndpointsTeller(HOLDER), new EndpointsReplica()];
        const now = new Map<number, number | null>();
        const late: ReturnType<EndpointsTeller['round']> = [];
        const deliver = (message: (typeof late)[number]) => {
          const upto = replica.heard(message);
          if (upto !== null) teller.acknowledged(upto);
        };
        for (const { change: changes, fate } of rounds) {
          for (const [at, port] of changes) now.set(at, port);
          teller.saw([...now].map(([at, port]) => place(at, port)));
          for (const [i, message] of teller.round().entries()) {
            const how = fate[i] ?? 'once';
            if (how === 'late') late.push(message);
            if (how === 'once' || how === 'twice') deliver(message);
            if (how === 'twice') deliver(message);
          }
        }
        for (const message of late.reverse()) deliver(message);
        while (!teller.isKnown) for (const message of teller.round()) deliver(message);
        const wanted = [...now]
          .filter(([, port]) => port !== null)
          .map(([at, port]) => [keys[at], `198.51.100.7:${port}`]);
        expect(Object.fromEntries(replica.all)).toEqual(Object.fromEntries(wanted));
      }),
    );
  });

  test('is told anew to a process that has just begun, and by a new holder', () => {
    const [teller, first, second] = [
      new EndpointsTeller(HOLDER),
      new EndpointsReplica(),
      new EndpointsReplica(),
    ];
    teller.saw([place(0, 1), place(1, 2)]);
    for (const message of teller.round()) teller.acknowledged(first.heard(message)!);
    teller.saw([place(0, 1), place(1, 3)]);
    // It has not heard what came before.
    for (const message of teller.round()) expect(second.heard(message)).toBeNull();
    teller.startOver();
    for (const message of teller.round()) teller.acknowledged(second.heard(message)!);
    expect(second.all.size).toBe(2);
    const next = new EndpointsTeller(HOLDER.replace('abcdefghijkl', 'mnopqrstuvwx'));
    next.saw([place(2, 5)]);
    for (const message of next.round()) second.heard(message);
    // Where the others were last is known still.
    expect([...second.all.keys()]).toEqual([keys[0], keys[1], keys[2]]);
  });
});
