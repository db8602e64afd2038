/** A run of the lab, for tests of what is left of it: says `up` when all is there, ends when its standard input does. */
import { once } from 'node:events';
import { Lab } from './lab.ts';

const lab = await Lab.start(['north', 'south']);
try {
  await lab.startEngine();
  await lab.startDevice('north');
  // WireGuard in the background, as the programs of the lab leave it when they are killed.
  lab.engine.run('wireguard-go', 'borealis0');
  lab.network.lose(5);
  process.stdout.write('up\n');
  process.stdin.resume();
  await once(process.stdin, 'end');
} finally {
  await lab.dispose();
}
