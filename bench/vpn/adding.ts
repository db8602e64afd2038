/** One connection more: to a service that has none, and to one that has thousands. Both of one engine, in turns. */
import { Lab } from '../../test/lab/lab.ts';
import type { Ground } from '../bench.ts';
import { inTurns, median, percentile, timed } from '../measure.ts';
import type { Row } from '../row.ts';
import { anyKey, fill } from './filled.ts';

export const addingRow = async (ground: Ground, count: number, rounds: number): Promise<Row> => {
  const lab = await Lab.start([]);
  try {
    let engine = await lab.startEngine();
    const services = { first: ['10.64.0.0/16', '51821'], last: ['10.65.0.0/16', '51822'] } as const;
    for (const [name, [pool, port]] of Object.entries(services))
      await lab.client.call('vpn.create', { name, endpoint: `192.0.2.1:${port}`, pool });
    await engine.kill('SIGTERM');
    const keys = Array.from({ length: count - 1 }, anyKey);
    await fill(lab.path('engine'), 'last', keys);
    engine = await lab.startEngine();
    const peers = () => Number(lab.engine.run('sh', '-c', 'wg show bvpn1 peers | wc -l'));
    if (peers() !== count - 1) throw new Error(`${peers()} peers of ${count - 1} are there`);

    const add = (vpn: string) => async (): Promise<number> => {
      const [connection, public_key] = ['new', anyKey()];
      const took = await timed(() =>
        lab.client.call('connection.add', { vpn, name: connection, public_key }),
      );
      const there = lab.engine.run('wg', 'show', vpn === 'first' ? 'bvpn0' : 'bvpn1', 'peers');
      if (!there.includes(public_key)) throw new Error('it was answered, and is not in force');
      await lab.client.call('connection.remove', { vpn, connection });
      return took;
    };
    await add('first')();
    await add('last')();
    const taken = await inTurns(rounds, { first: add('first'), last: add('last') });
    ground.say(
      `adding one: first ${spread(taken.first)}, last of ${count} ${spread(taken.last)} (p10, p50, p90)`,
    );
    return {
      what: `\`connection.add\`, the last of ${count.toLocaleString('en')}`,
      unit: 'ms',
      measured: median(taken.last),
      floor: median(taken.first),
      floorOf: 'the first, of a service without any',
      promised: { ratio: 1.2 },
      note: 'over the socket, until it is in force; wireguard-go and nft on the engine’s host.',
    };
  } finally {
    await lab.dispose();
  }
};

const spread = (values: readonly number[]): string =>
  [0.1, 0.5, 0.9].map((share) => `${percentile(values, share).toFixed(0)} ms`).join(', ');
