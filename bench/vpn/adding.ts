/** One connection more: to a service that has none, and to one that has thousands. Both of one engine, in turns. */
import type { Host } from '../../test/lab/host.ts';
import { Lab } from '../../test/lab/lab.ts';
import type { Ground } from '../bench.ts';
import { inTurns, median, percentile, timed } from '../measure.ts';
import type { Row } from '../row.ts';
import { anyKey, fill } from './filled.ts';

const DEVICE = 'bastion';
const SETTLED_MS = 120_000;
const SERVICES = { first: ['10.64.0.0/16', '51821'], last: ['10.65.0.0/16', '51822'] } as const;

/** `where`: on the engine's host, or on a device. */
export const addingRow = async (
  ground: Ground,
  where: 'engine' | 'device',
  count: number,
  rounds: number,
): Promise<Row> => {
  const isDevice = where === 'device';
  const lab = await Lab.start(isDevice ? [DEVICE] : []);
  try {
    let engine = await lab.startEngine();
    const host = isDevice ? lab.device(DEVICE) : lab.engine;
    if (isDevice) await lab.startDevice(DEVICE);
    const node = isDevice ? { node: DEVICE } : {};
    for (const [name, [pool, port]] of Object.entries(SERVICES))
      await lab.client.call('vpn.create', { name, endpoint: `192.0.2.1:${port}`, pool, ...node });
    await engine.kill('SIGTERM');
    const keys = Array.from({ length: count - 1 }, anyKey);
    await fill(lab.path('engine'), 'last', keys);
    engine = await lab.startEngine();
    await filled(lab, host, count - 1);

    const add = (vpn: keyof typeof SERVICES) => async (): Promise<number> => {
      const [connection, public_key] = ['new', anyKey()];
      const took = await timed(() =>
        lab.client.call('connection.add', { vpn, name: connection, public_key }),
      );
      const there = host.run('wg', 'show', vpn === 'first' ? 'bvpn0' : 'bvpn1', 'peers');
      if (!there.includes(public_key)) throw new Error('it was answered, and is not in force');
      await lab.client.call('connection.remove', { vpn, connection });
      return took;
    };
    await add('first')();
    await add('last')();
    const taken = await inTurns(rounds, { first: add('first'), last: add('last') });
    const place = isDevice ? ' on a device' : '';
    ground.say(
      `adding one${place}: first ${spread(taken.first)}, last of ${count} ${spread(taken.last)} (p10, p50, p90)`,
    );
    return {
      what: `\`connection.add\`${place}, the last of ${count.toLocaleString('en')}`,
      unit: 'ms',
      measured: median(taken.last),
      floor: median(taken.first),
      floorOf: 'the first, of a service without any',
      promised: { ratio: 1.2 },
      note: `over the socket, until it is in force; wireguard-go and nft on ${isDevice ? 'the device' : 'the engine’s host'}.`,
    };
  } finally {
    await lab.dispose();
  }
};

/** The device is told all of it when it is back. */
const filled = async (lab: Lab, host: Host, count: number): Promise<void> => {
  for (const end = Date.now() + SETTLED_MS; ; ) {
    const there = Number(host.run('sh', '-c', 'wg show bvpn1 peers | wc -l'));
    const services = await lab.client.call('vpn.list', {});
    if (there === count && services.every(({ phase }) => phase === 'up')) return;
    if (Date.now() > end) throw new Error(`${there} peers of ${count} are there`);
    await new Promise((next) => setTimeout(next, 250));
  }
};

const spread = (values: readonly number[]): string =>
  [0.1, 0.5, 0.9].map((share) => `${percentile(values, share).toFixed(0)} ms`).join(', ');
