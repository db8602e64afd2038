/** npm run soak -- ha: rounds of faults at random against a pair. Ends with the first that shows something wrong. */
import { parseArgs } from 'node:util';
import { randomly, round } from '../test/lab/ha/ha-rounds.ts';
import { HaWorld } from '../test/lab/ha/ha-world.ts';

/** Resolves to what was wrong. */
export const soak = async (args: readonly string[]): Promise<string[]> => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '500' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    },
  });
  const random = randomly(Number(values.seed));
  console.log(`seed ${values.seed}`);
  const world = await HaWorld.start();
  try {
    for (let count = 1; count <= Number(values.rounds); count++) {
      console.log(`${count}: ${await round(world, random)}`);
    }
    return [];
  } catch (error) {
    return [`${error instanceof Error ? error.message : String(error)} (seed ${values.seed})`];
  } finally {
    await world.end();
  }
};
