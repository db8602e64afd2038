/** A network behind a machine that is a bastion, the engine's or a device's: one host, which knows the way back or does not. */
import { spawn } from 'node:child_process';
import { Host } from './host.ts';
import { type Inside, SILENCE_MS } from './inside.ts';

export const INNER = '192.168.5.2';
export const INNER6 = 'fd00:5::2';
/** The bastion's machine, as that host sees it. */
export const BASTION = '192.168.5.1';
const BASTION6 = 'fd00:5::1';

export const startInner = async ({ engine: bastion }: { readonly engine: Host }): Promise<Host> => {
  const inner = await Host.start('inner');
  bastion.runInNetwork('ip', ...`link add eth1 type veth peer name eth0 netns ${inner.holder}`.split(' '));
  bastion.ip(
    `address add ${BASTION}/24 dev eth1`,
    `address add ${BASTION6}/64 dev eth1 nodad`,
    'link set eth1 up',
  );
  inner.ip(`address add ${INNER}/24 dev eth0`, `address add ${INNER6}/64 dev eth0 nodad`, 'link set eth0 up');
  return inner;
};

/** Its router is told the way to the pool. */
export const tellInner = (inner: Host, pool: string, pool6?: string): void => {
  inner.ip(`route add ${pool} via ${BASTION}`, ...(pool6 ? [`route add ${pool6} via ${BASTION6}`] : []));
};

/** Says back each datagram; lives as long as the namespace. */
export const udpEcho = async (host: Inside, port: number): Promise<void> => {
  const program = `const s = require('node:dgram').createSocket('udp4');
    s.on('message', (data, from) => s.send(data, from.port, from.address)).bind(${port}, () => console.log('ready'));`;
  if ((await node(host, program)) !== 'ready') throw new Error('the echo of datagrams did not start');
};

/** `echo` where a datagram of so many bytes came back whole, `silence` where it has not within SILENCE_MS. */
export const tryUdp = (host: Inside, address: string, port: number, bytes: number): Promise<string> =>
  node(
    host,
    `const s = require('node:dgram').createSocket('udp4');
     const sent = require('node:crypto').randomBytes(${bytes});
     const say = (text) => { console.log(text); process.exit(); };
     s.on('message', (data) => say(data.equals(sent) ? 'echo' : 'other')).on('error', (error) => say(error.code));
     s.send(sent, ${port}, '${address}', (error) => error && say(error.code));
     setTimeout(() => say('silence'), ${SILENCE_MS});`,
  );

export interface Stream {
  /** Datagrams that have come back so far. */
  readonly heard: () => number;
  readonly end: () => void;
}

/** Sends a datagram each 20 ms for as long as it lives, whatever becomes of them. */
export const streamUdp = (host: Inside, address: string, port: number): Stream => {
  const program = `const s = require('node:dgram').createSocket('udp4');
    s.on('message', () => process.stdout.write('.')).on('error', () => {});
    setInterval(() => s.send('x', ${port}, '${address}', () => {}), 20);
    process.stdin.on('end', () => process.exit()).resume();`;
  const [file, ...args] = host.argv(process.execPath, '-e', program);
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  let heard = 0;
  child.stdout.on('data', (data: Buffer) => {
    heard += data.length;
  });
  return { heard: () => heard, end: () => void child.stdin.end() };
};

/** The first line that the program writes. */
const node = (host: Inside, program: string): Promise<string> => {
  const [file, ...args] = host.argv(process.execPath, '-e', program);
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve) => {
    child.once('close', () => resolve('ended'));
    child.stdout.once('data', (data: Buffer) => resolve(String(data).trim()));
  });
};

/** Says to whoever connects from which address that comes. */
export const sayWho = async (host: Inside, port: number): Promise<void> => {
  const program = `require('node:net').createServer((s) => s.on('error', () => {}).end(s.remoteAddress.replace('::ffff:', '')))
    .listen(${port}, () => console.log('ready'));`;
  if ((await node(host, program)) !== 'ready') throw new Error('the server did not start');
};

/** A network behind a client, which passes on what is for it; one host in it. */
export const startBranch = async (site: Host, network: string): Promise<Host> => {
  const branch = await Host.start('branch');
  site.runInNetwork('ip', ...`link add eth1 type veth peer name eth0 netns ${branch.holder}`.split(' '));
  site.ip(`address add ${network}.1/24 dev eth1`, 'link set eth1 up');
  branch.ip(`address add ${network}.2/24 dev eth0`, 'link set eth0 up', `route add default via ${network}.1`);
  site.run('sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward');
  return branch;
};
