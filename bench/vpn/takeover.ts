/** A pair with very many clients: how long until the last of them has a session with the node that has the address now. */
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import type { HaPair } from '../../src/protocol/ha.ts';
import { generateKeyPair } from '../../src/wg/keys.ts';
import { FLOATING, NODES, type NodeName, PORT } from '../../test/lab/ha/bastions.ts';
import { now, Observer } from '../../test/lab/ha/observer.ts';
import { AddressWatch } from '../../test/lab/ha/watch.ts';
import type { Host } from '../../test/lab/host.ts';
import { Lab } from '../../test/lab/lab.ts';
import type { Ground } from '../bench.ts';
import { median, percentile } from '../measure.ts';
import { cpuMs } from '../processes.ts';
import type { Row } from '../row.ts';
import { fill } from './filled.ts';

const VPN = 'office';
const SETTLED_MS = 60_000;

interface Said {
  readonly ready?: true;
  readonly back?: readonly (readonly [client: number, at: number])[];
  readonly cookies?: number;
  readonly cpu?: number;
}

export const takeoverRow = async (ground: Ground, count: number, rounds: number): Promise<Row> => {
  const lab = await Lab.start([...NODES, 'clients']);
  let watch: AddressWatch | undefined;
  let clients: Observer<Said> | undefined;
  try {
    const { router } = lab.network;
    const nodes = NODES.map((name) => lab.device(name));
    watch = await AddressWatch.start({ address: FLOATING, router, bridge: 'lan', nodes });
    let engine = await lab.startEngine();
    const endpoint = `${FLOATING}:${PORT}`;
    const { public_key } = await lab.client.call('vpn.create', { name: VPN, endpoint, pool: '10.64.0.0/16' });
    await engine.kill('SIGTERM');
    const pairs = Array.from({ length: count }, generateKeyPair);
    await fill(
      lab.path('engine'),
      VPN,
      pairs.map(({ publicKey }) => publicKey),
    );
    engine = await lab.startEngine();
    const agents = await Promise.all(NODES.map((name) => lab.startDevice(name)));
    const [primary, standby] = NODES;
    const devices = ['--primary', primary!, '--standby', standby!, '--address', `${FLOATING}/24`];
    await lab.json(['ha', 'enable', VPN, ...devices]);
    await watch.alone(primary!);

    const file = lab.path('clients.json');
    writeFileSync(file, JSON.stringify(pairs.map(({ privateKey }) => privateKey)), { mode: 0o600 });
    const program = `${import.meta.dirname}/clients.ts`;
    const args = ['--no-warnings', program, file, FLOATING, String(PORT), public_key];
    let ready = false;
    let [cookies, clientsCpu] = [0, 0];
    const back = new Map<number, number>();
    clients = new Observer<Said>(lab.device('clients').argv(process.execPath, ...args), (said) => {
      ready ||= said.ready === true;
      cookies += said.cookies ?? 0;
      clientsCpu = said.cpu ?? clientsCpu;
      for (const [client, at] of said.back ?? []) if (!back.has(client)) back.set(client, at);
    });

    const cpu = (name: NodeName): number[] => {
      const [wireguard] = lab.device(name).run('pidof', 'wireguard-go').trim().split(' ');
      const agent = agents[NODES.indexOf(name)]!.pid!;
      return [cpuMs(outside(lab.device(name), Number(wireguard))), cpuMs(agent), clientsCpu];
    };
    const lasts: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      await clients.until(() => ready, 'all clients are connected', SETTLED_MS);
      await known(lab, count);
      back.clear();
      cookies = 0;
      ready = false;
      const [from] = watch.holders;
      const to = NODES.find((name) => name !== from)!;
      const before = cpu(to);
      const asked = now();
      const switched = lab.json(['ha', 'switch', VPN]);
      await watch.alone(to);
      await switched;
      const moved = movedAt(watch, asked, to);
      await clients.until(
        () => back.size === count,
        'all clients are in session again',
        SETTLED_MS,
        () => `${back.size} of ${count} are; ${cookies} were sent cookies.`,
      );
      const after = [...back.values()].map((at) => at - moved);
      lasts.push(Math.max(...after));
      const shares = [0.01, 0.5, 0.9, 1].map((share) => `${percentile(after, share).toFixed(0)}`);
      const spent = cpu(to).map((ms, index) => (ms - before[index]!).toFixed(0));
      ground.say(`processor: WireGuard ${spent[0]} ms, agent ${spent[1]} ms, all clients ${spent[2]} ms`);
      ground.say(
        `in session after the address moved: ${shares.join(', ')} ms (p1, p50, p90, last); ${cookies} cookies`,
      );
    }
    return {
      what: `takeover: ${count.toLocaleString('en')} clients, until the last is in session again`,
      unit: 'ms',
      measured: median(lasts),
      floor: 2_000,
      floorOf: 'the promise',
      promised: { atMost: 2_000 },
      note: 'from the moment at which the kernel has the address; all clients are one process, whose WireGuard is made by hand.',
    };
  } finally {
    await clients?.end();
    await watch?.end();
    await lab.dispose();
  }
};

/** Its number as the caller's namespace has it: proc_pid_status(5), NSpid. */
const outside = (host: Host, pid: number): number => {
  const namespace = readlinkSync(`/proc/${host.holder}/ns/net`);
  const found = readdirSync('/proc').find((entry) => {
    try {
      if (!/^\d+$/.test(entry) || readlinkSync(`/proc/${entry}/ns/net`) !== namespace) return false;
      return new RegExp(`^NSpid:.*\\t${pid}$`, 'm').test(readFileSync(`/proc/${entry}/status`, 'latin1'));
    } catch {
      return false; // it has ended
    }
  });
  return Number(found);
};

/** When the kernel of that node had it, after that moment. */
const movedAt = (watch: AddressWatch, since: number, to: string): number => {
  const line = watch
    .told(since)
    .split('\n')
    .find((text) => /"holders":\["/.test(text) && text.includes(`"holders":["${to}"]`));
  if (line === undefined) throw new Error(`${to} was not seen to have the address`);
  return Number(line.split(' ')[0]);
};

/** The standby knows where all of them are. */
const known = async (lab: Lab, count: number): Promise<void> => {
  for (const end = now() + SETTLED_MS; ; ) {
    const { state, standby, nodes } = await lab.json<HaPair>(['ha', 'show', VPN]);
    const endpoints = nodes.find(({ device }) => device === standby)?.endpoints;
    if (state === 'ok' && endpoints === count) return;
    if (now() > end)
      throw new Error(`the pair is ${state}, its standby knows ${endpoints} of ${count} clients`);
  }
};
