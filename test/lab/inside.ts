/** Commands and small programs that run in some network namespace, whoever made it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';

import type { As } from './run-as.ts';

const LIMIT_MS = 30_000;

export interface Inside {
  /** The command line, of the caller's own namespace, that runs the program in there. */
  argv(file: string, ...args: string[]): [string, ...string[]];
}

/** As another user of that machine, with that group and no other: setpriv(1). */
export const insideAs = (inside: Inside, { user, group }: As): Inside => ({
  argv: (file, ...args) => {
    const become = [`--reuid=${user}`, `--regid=${group}`, '--clear-groups', '--'];
    return inside.argv('setpriv', ...become, file, ...args);
  },
});

/** Runs a command to its end; what it wrote to standard output. Throws where it ends with anything but 0. */
export const command = (file: string, args: readonly string[], input = ''): string => {
  const { status, stdout, stderr, error } = spawnSync(file, args, {
    input,
    encoding: 'utf8',
    timeout: LIMIT_MS,
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${status}: ${stderr}`);
  return stdout;
};

export const commandInside = (
  inside: Inside,
  file: string,
  args: readonly string[] = [],
  input = '',
): string => {
  const [own, ...rest] = inside.argv(file, ...args);
  return command(own, rest, input);
};

const programInside = (
  inside: Inside,
  program: string,
  stdin: 'ignore' | 'pipe' = 'ignore',
  args: readonly string[] = [],
): ChildProcess => {
  const [own, ...rest] = inside.argv(process.execPath, '-e', program, ...args);
  return spawn(own, rest, { stdio: [stdin, 'pipe', 'inherit'] });
};

const firstLine = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => {
    const ended = () => resolve('ended');
    child.once('close', ended);
    child.stdout?.once('data', (data: Buffer) => {
      child.off('close', ended);
      resolve(String(data).trim());
    });
  });

/** A program of JavaScript, and the first line that it says: `ended` where it ends before. Close its input to end it. */
export const startInside = (
  inside: Inside,
  program: string,
  args: readonly string[] = [],
): { readonly child: ChildProcess; readonly line: Promise<string> } => {
  const child = programInside(inside, program, 'pipe', args);
  return { child, line: firstLine(child) };
};

/** Listens on TCP ports of all addresses and says back what it hears; lives as long as the namespace. */
export const echoServer = async (host: Inside, ...ports: number[]): Promise<void> => {
  const child = programInside(
    host,
    `const net = require('node:net');
     let left = ${ports.length};
     for (const port of ${JSON.stringify(ports)})
       net.createServer((s) => s.on('error', () => {}).pipe(s)).listen(port, () => --left || console.log('ready'));`,
  );
  if ((await firstLine(child)) !== 'ready') throw new Error('the echo server did not start');
};

/**
 * Silence can only be waited for: a second is a hundred times what these wires take. An emulated machine takes longer
 * (test/kernel/run.ts).
 */
export const SILENCE_MS = Number(process.env.BOREALIS_TEST_SILENCE_MS ?? 1_000);

/** `echo` where the other side answers, else the error's code; `silence` where nothing at all comes. */
export const tryTcp = (host: Inside, address: string, port: number): Promise<string> =>
  firstLine(
    programInside(
      host,
      `const s = require('node:net').connect(${port}, '${address}', () => s.write('hello'));
       const say = (text) => { console.log(text); process.exit(); };
       s.on('data', () => say('echo')).on('error', (error) => say(error.code));
       setTimeout(() => say('silence'), ${SILENCE_MS});`,
    ),
  );

/**
 * Sends all of `text`, then closes its side; what comes until the other side closes too, or the error's code, or
 * `silence` where nothing more has come for `ms`.
 */
export const exchange = (
  host: Inside,
  address: string,
  port: number,
  text: string,
  ms = 10_000,
): Promise<string> => {
  const program = `const s = require('node:net').connect({ port: ${port}, host: '${address}', allowHalfOpen: true });
    const say = (text) => { process.stdout.write(JSON.stringify(text) + '\\n', () => process.exit()); };
    let heard = '';
    s.setTimeout(${ms}, () => say('silence'));
    s.setEncoding('utf8').on('data', (data) => { heard += data; }).on('end', () => say(heard)).on('error', (e) => say(e.code));
    process.stdin.pipe(s);`;
  const child = programInside(host, program, 'pipe');
  child.stdin?.end(text);
  return new Promise((resolve, reject) => {
    let said = '';
    child.stdout!.setEncoding('utf8').on('data', (data: string) => {
      said += data;
    });
    child.once('close', () => {
      if (said === '') reject(new Error(`nothing was said of ${address}:${port}`));
      else resolve(JSON.parse(said) as string);
    });
  });
};

export interface Call {
  /** Says a word, a byte, and resolves to true when it has come back, to false where it has not within `ms`. */
  readonly speak: (ms?: number) => Promise<boolean>;
  readonly hangUp: () => void;
}

/** A TCP connection that stays. */
export const call = async (host: Inside, address: string, port: number): Promise<Call> => {
  const program = `const s = require('node:net').connect(${port}, '${address}', () => console.log('open'));
    s.on('error', () => {});
    let [said, heard] = [0, 0];
    s.on('data', (data) => { heard += data.length; });
    process.stdin.on('end', () => process.exit()).on('data', (ms) => {
      const word = ++said;
      const answer = (text) => { clearTimeout(timer); s.off('data', look); console.log(text); };
      const look = () => heard >= word && answer('heard');
      const timer = setTimeout(answer, Number(ms), 'silence');
      s.on('data', look);
      s.write('x');
    });`;
  const child = programInside(host, program, 'pipe');
  if ((await firstLine(child)) !== 'open') throw new Error(`no connection to ${address}:${port}`);
  return {
    speak: async (ms = SILENCE_MS) => {
      const answer = firstLine(child);
      child.stdin?.write(String(ms));
      return (await answer) === 'heard';
    },
    hangUp: () => void child.stdin?.end(),
  };
};
