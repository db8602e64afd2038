/** Wires between namespaces, and programs that talk over them. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Namespace } from './namespace.ts';

/** A veth pair with an address on either end. */
export const wire = (a: Namespace, addressA: string, b: Namespace, addressB: string): void => {
  const [endA, endB] = [`w${b.name.slice(2)}`, `w${a.name.slice(2)}`];
  a.run('ip', 'link', 'add', endA, 'type', 'veth', 'peer', 'name', endB, 'netns', b.name);
  for (const [host, end, address] of [
    [a, endA, addressA],
    [b, endB, addressB],
  ] as const) {
    host.run('ip', 'address', 'add', address, 'dev', end);
    host.run('ip', 'link', 'set', end, 'up');
  }
};

const inside = (host: Namespace, program: string): ChildProcess =>
  spawn('ip', ['netns', 'exec', host.name, process.execPath, '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });

const firstLine = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => {
    child.stdout?.once('data', (data: Buffer) => resolve(String(data).trim()));
    child.once('close', () => resolve('ended'));
  });

/** Listens on TCP ports of all addresses and says back what it hears; lives as long as the namespace. */
export const echoServer = async (host: Namespace, ...ports: number[]): Promise<void> => {
  const child = inside(
    host,
    `const net = require('node:net');
     let left = ${ports.length};
     for (const port of ${JSON.stringify(ports)})
       net.createServer((s) => s.on('error', () => {}).pipe(s)).listen(port, () => --left || console.log('ready'));`,
  );
  if ((await firstLine(child)) !== 'ready') throw new Error('the echo server did not start');
};

/**
 * `echo` where the other side answers, else the error's code; `silence` where nothing at all comes. Silence can only be
 * waited for: a second is a hundred times what these wires take.
 */
export const tryTcp = (host: Namespace, address: string, port: number): Promise<string> =>
  firstLine(
    inside(
      host,
      `const s = require('node:net').connect(${port}, '${address}', () => s.write('hello'));
       const say = (text) => { console.log(text); process.exit(); };
       s.on('data', () => say('echo')).on('error', (error) => say(error.code));
       setTimeout(() => say('silence'), 1000);`,
    ),
  );

export interface Call {
  /** Says a word and resolves to true when it has come back, to false where it has not within a second. */
  readonly speak: () => Promise<boolean>;
}

/** A TCP connection that stays. */
export const call = async (host: Namespace, address: string, port: number): Promise<Call> => {
  const program = `const s = require('node:net').connect(${port}, '${address}', () => console.log('open'));
    s.on('error', () => {});
    process.stdin.on('data', () => {
      const timer = setTimeout(() => console.log('silence'), 1000);
      s.once('data', () => { clearTimeout(timer); console.log('heard'); });
      s.write('x');
    });`;
  const child = spawn('ip', ['netns', 'exec', host.name, process.execPath, '-e', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  if ((await firstLine(child)) !== 'open') throw new Error(`no connection to ${address}:${port}`);
  return {
    speak: async () => {
      const answer = firstLine(child);
      child.stdin?.write('x');
      return (await answer) === 'heard';
    },
  };
};
