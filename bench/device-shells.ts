/**
 * Shells through a real tunnel: how soon a key is seen (its part: echo), what the agent keeps for each, what a flood leaves
 * for others.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as rest } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { commandExists, isRoot } from '../scripts/debian.ts';
import { SCROLLBACK_LINES } from '../src/agent/shells/screen.ts';
import { SHELL_KEPT_BYTES } from '../src/protocol/agent-port.ts';
import type { Tunnel } from '../src/protocol/tunnel.ts';
import { Account } from '../test/lab/account.ts';
import { Lab } from '../test/lab/lab.ts';
import { Process } from '../test/lab/processes.ts';
import { Sshd } from '../test/lab/sshd.ts';
import type { Benchmark, Ground } from './bench.ts';
import { inTurns, percentile } from './measure.ts';
import { binary, cpuMs, keepOn, residentKib, startHelper } from './processes.ts';
import { RawHttp } from './raw-http.ts';
import type { Row } from './row.ts';
import { ask } from './shells/ask.ts';
import { Typist } from './shells/typist.ts';

const SHELLS = 50;
const SIZE = { cols: 100, rows: 30 };
const NEEDED = ['ip', 'nft', 'wg', 'wireguard-go', 'nsenter', 'ssh', 'ssh-keygen'];
const STATUS = ['/api/v1/status'] as const;

export const benchmark: Benchmark = {
  name: 'device-shells',
  summary: 'shells through a tunnel: echo, memory of the agent, other calls',
  async run(ground) {
    const missing = NEEDED.filter((name) => !commandExists(name));
    if (!isRoot() || missing.length > 0) {
      ground.say(`left out: it needs root, and ${missing.join(', ') || 'nothing else'}`);
      return [];
    }
    const lab = await Lab.start(['north']);
    ground.atEnd(() => lab.dispose());
    chmodSync(lab.directory, 0o755);
    const account = Account.make()!;
    ground.atEnd(() => account.remove());
    const user = account.name;
    const engine = await lab.startEngine();
    const agent = await lab.startDevice('north');
    const { virtual_ip } = await lab.json<Tunnel>(['tunnel', 'connect', 'north']);
    const pids: Pids = { engine: engine.pid!, agent: agent.pid! };
    const before = residentKib(pids.agent);
    const rows = [...(await echo(ground, lab, virtual_ip!, user))];
    if (ground.settings.part === 'echo') return rows;
    // Two machines in truth: what the device's programs take is not taken from the engine.
    const apart = availableParallelism() > 1 && keepOn(pids.engine, 0) && keepOn(pids.agent, 1);
    if (!apart) ground.say('engine and device share the processor');
    const lasts = ground.settings.quick ? 3_000 : 15_000;
    const bare = await bareServer(ground, lab);
    const quiet = await ask(lab.socket, STATUS, lasts / 3);
    ground.say(`status.show without shells: p99 ${percentile(quiet, 0.99).toFixed(1)} ms`);
    const text = lab.path('text');
    writeFileSync(text, listing(3 * SHELL_KEPT_BYTES));
    const shells = await Promise.all(Array.from({ length: SHELLS }, () => Operator.start(lab, user)));
    rows.push(await memory(ground, pids, before, shells, text));
    rows.push(...(await flood(ground, lab, pids, { shells, text, bare, lasts })));
    return rows;
  },
};

interface Pids {
  readonly engine: number;
  readonly agent: number;
}

/** As `ls -lR --color` gives it. */
const listing = (bytes: number): string => {
  let text = '';
  while (text.length < bytes) {
    const [name, size] = [randomBytes(6).toString('hex'), randomBytes(2).readUInt16BE(0)];
    text += `-rw-r--r-- 1 root root ${size} Nov 21 07:00 \x1b[01;34m${name}\x1b[0m and something more of it\n`;
  }
  return text;
};

/** Both in a terminal on the engine's machine, both with the terminal of the device that echoes. */
const echo = async (ground: Ground, lab: Lab, address: string, user: string): Promise<Row[]> => {
  const device = lab.device('north');
  const directory = lab.path('sshd');
  mkdirSync(directory);
  const sshd = new Sshd(directory);
  // sshd reads it as the account.
  chmodSync(join(directory, 'authorized_keys'), 0o644);
  const [file, ...args] = device.argv(...(sshd.argv('-D', '-p', '22') as [string, ...string[]]));
  const server = new Process(file, args, {});
  ground.atEnd(() => void server.kill('SIGKILL'));
  while (!device.run('ss', '-Hltn').includes(':22 ')) await rest(20);
  // From 9.5 on keys are sent at intervals only, to hide when they were typed.
  const plain = ['-o', 'IgnoreUnknown=ObscureKeystrokeTiming', '-o', 'ObscureKeystrokeTiming=no'];
  const ssh = new Typist(lab.engine.argv('ssh', '-tt', '-l', user, ...plain, ...sshd.options(address)));
  const ours = new Typist(lab.engine.argv(binary('borealisctl'), 'shell', 'north', '--user', user), {
    BOREALIS_SOCKET: lab.socket,
  });
  ground.atEnd(() => {
    ssh.end();
    ours.end();
  });
  const [three, two] = await bareChains(ground, lab, address);
  for (const typist of [ssh, ours, three, two]) {
    await typist.until(/[#$] /);
    typist.type("echo rea''dy; exec cat >/dev/null\r");
    await typist.until('ready');
    await typist.echoes(50);
  }
  const rounds = ground.settings.quick ? 4 : 40;
  const taken = await inTurns(rounds, {
    ours: () => ours.echoes(50),
    ssh: () => ssh.echoes(50),
    three: () => three.echoes(50),
    two: () => two.echoes(50),
  });
  const row = (share: number, floor: readonly number[], floorOf: string): Row => ({
    what: `a key to its echo, p${share * 100}`,
    unit: 'ms',
    measured: percentile(taken.ours, share),
    floor: percentile(floor, share),
    floorOf,
  });
  const toSsh = '`ssh` through the same tunnel';
  return [
    { ...row(0.5, taken.ssh, toSsh), promised: { ratio: 1 } },
    row(0.99, taken.ssh, toSsh),
    row(0.5, taken.three, 'three Node programs in a row with nothing in them but descriptors'),
    {
      ...row(0.5, taken.ssh, toSsh),
      what: 'the same by two bare Node programs, no engine between, p50',
      measured: percentile(taken.two, 0.5),
    },
  ];
};

/**
 * What borealisctl, engine and agent are at least: as many programs, over the same ways, between the same terminals. And
 * two of them, with nothing between that could record what is shown.
 */
const bareChains = async (ground: Ground, lab: Lab, address: string): Promise<[Typist, Typist]> => {
  const port = '4000';
  await lab.json(['tunnel', 'ports', 'north', '--set', `22,47001,${port}`]);
  const argv = ['--no-warnings', join(import.meta.dirname, 'floors', 'echo-chain.ts')];
  const start = async (within: readonly string[], ...args: string[]): Promise<void> => {
    const program = new Process(process.execPath, [...argv, ...args], {}, { within });
    ground.atEnd(() => void program.kill('SIGKILL'));
    await program.until(({ stdout }) => stdout.includes('listens'), 'it listens');
  };
  const socket = lab.path('chain.sock');
  await start(lab.device('north').enter, 'far', address, port);
  await start(lab.engine.enter, 'middle', socket, address, port);
  const near = (to: string): Typist => {
    const typist = new Typist(lab.engine.argv(process.execPath, ...argv, 'near', to));
    ground.atEnd(() => typist.end());
    return typist;
  };
  return [near(socket), near(`${address}:${port}`)];
};

/** Attached to a shell, reading as fast as it can. */
class Operator {
  readonly id: string;
  readonly #ws: WebSocket;
  #text = '';
  #wake = (): void => {};

  private constructor(id: string, ws: WebSocket) {
    this.id = id;
    this.#ws = ws;
    ws.on('message', (data, binary) => {
      if (!binary) return;
      this.#text = (this.#text + (data as Buffer).toString('latin1')).slice(-4_000);
      this.#wake();
    });
  }

  static async start(lab: Lab, user: string): Promise<Operator> {
    const { id } = await lab.client.call('shell.create', { device: 'north', user, ...SIZE });
    const query = `cols=${SIZE.cols}&rows=${SIZE.rows}`;
    const ws = new WebSocket(`ws+unix://${lab.socket}:/api/v1/shells/${id}/attach?${query}`, {
      perMessageDeflate: false,
    });
    const operator = new Operator(id, ws);
    await new Promise((resolve, reject) => ws.once('open', resolve).once('error', reject));
    return operator;
  }

  /** Until the shell has printed the word. */
  async run(command: string, word: string): Promise<void> {
    this.#text = '';
    this.#ws.send(Buffer.from(`${command}\r`));
    while (!this.#text.includes(word))
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
  }

  type(text: string): void {
    this.#ws.send(Buffer.from(text));
  }

  leave(): void {
    this.#ws.close();
  }
}

const memory = async (
  ground: Ground,
  { agent }: Pids,
  before: number,
  shells: readonly Operator[],
  text: string,
): Promise<Row> => {
  await Promise.all(shells.map((shell) => shell.run(`cat ${text}; echo the''-end`, 'the-end')));
  for (const shell of shells) shell.leave();
  await rest(3_000);
  const after = residentKib(agent);
  ground.say(`agent: ${mib(before)} without shells, ${mib(after)} with ${shells.length}`);
  const args = [10, SIZE.cols, SIZE.rows, SCROLLBACK_LINES, SHELL_KEPT_BYTES, text].map(String);
  const floor = await startHelper('floors/screens.ts', args);
  floor.child.kill();
  return {
    what: `the agent's memory for a shell with ${SIZE.cols} × ${SIZE.rows} and full scrollback, of ${SHELLS}`,
    unit: 'MiB',
    measured: (after - before) / shells.length / 1_024,
    floor: (floor.ready as number) / 1_024,
    floorOf: 'a bare @xterm/headless and a buffer of 1 MiB',
    promised: { atMost: 10 },
  };
};

/** Milliseconds so far in which the main thread could have run and had no processor; sched-stats, field 2. */
const waitedMs = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'latin1').split(' ')[1]) / 1e6;

const mib = (kib: number): string => `${(kib / 1_024).toFixed(0)} MiB`;

interface Flood {
  readonly shells: readonly Operator[];
  readonly text: string;
  /** Socket of a server that answers the same bytes. */
  readonly bare: string;
  readonly lasts: number;
}

/** What answers as the engine does, and does nothing else. */
const bareServer = async (ground: Ground, lab: Lab): Promise<string> => {
  const socket = lab.path('bare.sock');
  const { child } = await startHelper('floors/echo.ts', [socket]);
  ground.atEnd(() => void child.kill());
  const client = await RawHttp.connect(lab.socket);
  const { body } = await client.get(STATUS[0]);
  client.close();
  const taken = once(child, 'message');
  child.send([STATUS[0], body]);
  await taken;
  if (availableParallelism() > 1) keepOn(child.pid!, 0);
  return socket;
};

const flood = async (ground: Ground, lab: Lab, pids: Pids, { shells, text, bare, lasts }: Flood) => {
  const ids = shells.map(({ id }) => id);
  const query = `cols=${SIZE.cols}&rows=${SIZE.rows}`;
  for (const id of ids) {
    const ws = new WebSocket(`ws+unix://${lab.socket}:/api/v1/shells/${id}/attach?${query}`);
    await new Promise((resolve, reject) => ws.once('open', resolve).once('error', reject));
    ws.send(Buffer.from(`while :; do cat ${text}; done\r`));
    await new Promise((resolve) => ws.once('close', resolve).close());
  }
  const flooded = async (what: string): Promise<Row[]> => {
    const [engine, agent, begun] = [cpuMs(pids.engine), cpuMs(pids.agent), performance.now()];
    const waited = waitedMs(pids.engine);
    const bytes = await recorded(lab, ids);
    const [times, floor] = await Promise.all([lab.socket, bare].map((socket) => ask(socket, STATUS, lasts)));
    if (!times || !floor) throw new Error('nothing was asked');
    const ms = performance.now() - begun;
    const share = (now: number, then: number): string => `${(((now - then) / ms) * 100).toFixed(0)}%`;
    ground.say(
      `${what}: ${times.length} calls, most ${Math.max(...times).toFixed(0)} ms; ` +
        `${(((await recorded(lab, ids)) - bytes) / 2 ** 20 / (ms / 1_000)).toFixed(1)} MiB/s recorded; ` +
        `engine: ${share(cpuMs(pids.engine), engine)} of a core, waits for one ${share(waitedMs(pids.engine), waited)} of the time, ${mib(residentKib(pids.engine))}; ` +
        `agent: ${share(cpuMs(pids.agent), agent)} of a core, ${mib(residentKib(pids.agent))}`,
    );
    const row = (part: number): Row => ({
      what: `\`status.show\`, ${what}, p${part * 100}`,
      unit: 'ms',
      measured: percentile(times, part),
      floor: percentile(floor, part),
      floorOf: 'bare node:http beside it',
    });
    return [row(0.5), { ...row(0.99), promised: { atMost: 50 } }];
  };
  const rows = await flooded(`${SHELLS} real shells flooding`);
  const viewers = await startHelper('shells/viewers.ts', [lab.socket, ...ids]);
  ground.atEnd(() => void viewers.child.kill());
  rows.push(...(await flooded(`${SHELLS} real shells flooding and watched`)));
  return rows;
};

/** Bytes of asciicast so far. */
const recorded = async (lab: Lab, ids: readonly string[]): Promise<number> => {
  let sum = 0;
  for (const session of ids) sum += (await lab.client.call('session.show', { session })).bytes;
  return sum;
};
