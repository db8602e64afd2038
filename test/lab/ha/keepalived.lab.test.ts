/** The pair that one makes without Borealis, as the observers see it: what failover by VRRP costs plain WireGuard. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requires } from '../../require.ts';
import { LAB_NEEDS } from '../lab.ts';
import { KeepalivedPair } from './keepalived.ts';
import { now } from './observer.ts';

describe('plain WireGuard under keepalived', requires(...LAB_NEEDS, 'wg-quick', 'keepalived'), () => {
  let pair: KeepalivedPair;
  beforeAll(async () => {
    pair = await KeepalivedPair.start();
  });
  afterAll(() => pair?.end());

  test('serves its client through the node that has the address alone', async () => {
    expect(pair.bastions.watch.holders).toEqual(['north']);
    const before = now();
    await pair.bastions.pings.flow(before);
    expect(pair.bastions.watch.doubles).toEqual([]);
  });

  test('is silent until the client itself begins anew, and two nodes answer when one hangs', async () => {
    const outage = await pair.bastions.outage('north', () => pair.freeze('north'));
    // WireGuard §6.5: a client waits 10 s for an answer and 5 s more before it begins a session.
    expect(outage.silence).toBeGreaterThan(10_000);
    expect(outage.lost).toBeGreaterThan(500);
    expect(new Set(pair.bastions.watch.doubles.map(({ by }) => by))).toEqual(new Set(['kernel', 'wire']));
    pair.thaw('north');
    await pair.bastions.watch.anyAlone();
  });
});
