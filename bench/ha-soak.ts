/**
 * npm run soak -- ha: rounds of faults at random against a pair, by `--driver keepalived` under VRRP. Ends with the first that
 * shows something wrong. Clocks jump where there is libfaketime.
 */
import { parseArgs } from 'node:util';
import { randomly, round } from '../test/lab/ha/ha-rounds.ts';
import { HaWorld } from '../test/lab/ha/ha-world.ts';
import { clocksJump } from '../test/lab/wall-clock.ts';

/** After so many rounds the pair is let alone until the other one could take the address, too: the rest begin as they come. */
const WHOLE_EACH = 5;

/** Resolves to what was wrong. */
export const soak = async (args: readonly string[]): Promise<string[]> => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '500' },
      driver: { type: 'string', default: 'own' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    },
  });
  const random = randomly(Number(values.seed));
  const clocks = clocksJump();
  console.log(`seed ${values.seed}${clocks ? '' : '; without libfaketime no clock jumps'}`);
  const driver = values.driver === 'keepalived' ? 'keepalived' : 'own';
  const world = await HaWorld.start({ driver, clocks });
  try {
    for (let count = 1; count <= Number(values.rounds); count++) {
      console.log(`${count}: ${await round(world, random)}`);
      if (count % WHOLE_EACH === 0) await world.ok();
    }
    return [];
  } catch (error) {
    return [`${error instanceof Error ? error.message : String(error)} (seed ${values.seed})`];
  } finally {
    await world.end();
  }
};
