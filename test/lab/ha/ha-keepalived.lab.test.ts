/** The same pair with VRRP deciding, by Debian's keepalived: what holds with the engine's lease holds here, where VRRP can. */
import { afterAll, beforeAll, describe } from 'vitest';
import { requires } from '../../require.ts';
import { LAB_NEEDS } from '../lab.ts';
import { failoverTests } from './failover.ts';
import { HaWorld } from './ha-world.ts';

describe('a pair under keepalived', requires(...LAB_NEEDS, 'wg-quick', 'keepalived', 'setpriv'), () => {
  let world: HaWorld;
  beforeAll(async () => {
    world = await HaWorld.start({ driver: 'keepalived' });
  }, 120_000);
  afterAll(() => world?.end());

  failoverTests(() => world, { rounds: 2, turns: 2 });
});
