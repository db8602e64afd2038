/** `cp` and scp(1) through the same tunnel: one large file, and many small ones. Needs root and OpenSSH. */
import { createWriteStream, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { commandExists, isRoot } from '../scripts/debian.ts';
import { Lab } from '../test/lab/lab.ts';
import { Process } from '../test/lab/processes.ts';
import { Sshd } from '../test/lab/sshd.ts';
import type { Benchmark } from './bench.ts';
import { inTurns, median, timed } from './measure.ts';
import { cpuMs } from './processes.ts';
import type { Row } from './row.ts';

const ADDRESS = '10.255.0.2';
const NEEDED = ['ip', 'nft', 'wg', 'wireguard-go', 'nsenter', 'scp', 'ssh-keygen'];
const CHUNK = 2 ** 20;

export const benchmark: Benchmark = {
  name: 'copy',
  summary: '`cp` beside scp through the same tunnel',
  async run(ground) {
    const missing = NEEDED.filter((name) => !commandExists(name));
    if (!isRoot() || missing.length > 0) {
      ground.say(`it needs root, and ${missing.join(', ') || 'nothing else'}`);
      return [];
    }
    const { quick } = ground.settings;
    const lab = await Lab.start(['north']);
    ground.atEnd(() => lab.dispose());
    await lab.startEngine();
    const agent = await lab.startDevice('north');
    await lab.json(['tunnel', 'connect', 'north']);
    const sshd = new Sshd(ground.directory('sshd'));
    const files = ground.directory('files');
    const [large, small] = [join(files, 'large'), join(files, 'small')];
    const [bytes, count] = quick ? [100 * CHUNK, 1_000] : [1_000_000_000, 10_000];
    await writeRandom(large, bytes);
    for (let n = 0; n < count; n += 1) {
      if (n % 100 === 0) mkdirSync(join(small, String(n / 100)), { recursive: true });
      writeFileSync(join(small, String(Math.floor(n / 100)), `f${n}`), Buffer.alloc(500 + (n % 80) * 100, n));
    }
    const there = ground.directory('there');
    const compare = comparison(lab, sshd, there, agent);
    const rounds = quick ? 1 : 3;
    return [
      ...(await compare(rounds, large, 'one file', { unit: 'MB/s', amount: bytes / 1e6 })),
      ...(await compare(rounds, small, `${count.toLocaleString('en')} small files`, {
        unit: '/s',
        amount: count,
      })),
    ];
  },
};

/** One for each copy: an account file that changes on this machine takes its own away from a server that waits. */
const serveSsh = async (lab: Lab, sshd: Sshd): Promise<Process> => {
  const [file, ...args] = sshd.argv('-D', '-e', '-p', '22');
  const server = new Process(file!, args, {}, { within: lab.device('north').enter });
  await server.until(({ stderr }) => stderr.includes('Server listening'), 'it listens');
  return server;
};

const writeRandom = (path: string, bytes: number): Promise<void> => {
  const chunk = Buffer.allocUnsafe(CHUNK);
  for (let at = 0; at < CHUNK; at += 4) chunk.writeInt32LE((Math.imul(at, 0x9e37_79b1) ^ (at >> 3)) | 0, at);
  const chunks = function* () {
    for (let left = bytes; left > 0; left -= CHUNK) yield chunk.subarray(0, Math.min(CHUNK, left));
  };
  return pipeline(Readable.from(chunks()), createWriteStream(path));
};

interface Amount {
  readonly unit: 'MB/s' | '/s';
  readonly amount: number;
}

const comparison = (lab: Lab, sshd: Sshd, there: string, agent: Process) => {
  const run = async (file: string, args: readonly string[], env: Record<string, string> = {}) => {
    const process = new Process(file, [...args], env, { within: lab.engine.enter });
    const { code, stderr } = await process.finished;
    if (code !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${code}: ${stderr}`);
  };
  const scp = (from: string, to: string) => run('scp', [...sshd.options(), '-rp', from, to]);
  const cp = async (from: string, to: string) => {
    const { code, stdout, stderr } = await lab.operator(['cp', from, to, '--json']).finished;
    if (code !== 0) throw new Error(`cp ${from} ${to} ended with ${code}: ${stdout}${stderr}`);
  };
  return async (rounds: number, source: string, what: string, { unit, amount }: Amount): Promise<Row[]> => {
    let agentMs = 0;
    const take = (act: (from: string, to: string) => Promise<void>, from: string, to: string) => async () => {
      const place = join(there, 'copy');
      rmSync(place, { recursive: true, force: true });
      const server = act === scp ? await serveSsh(lab, sshd) : undefined;
      const before = cpuMs(agent.pid!);
      const ms = await timed(() => act(from, `${to}${place}`));
      await server?.kill('SIGTERM');
      if (act === cp) agentMs += cpuMs(agent.pid!) - before;
      if (!existsSync(place) || statSync(place).size < statSync(source).size)
        throw new Error('it did not arrive');
      return (amount * 1_000) / ms;
    };
    const rows: Row[] = [];
    for (const [way, ours, theirs, to] of [
      ['to', '', '', true],
      ['from', `north:`, `${ADDRESS}:`, false],
    ] as const) {
      agentMs = 0;
      const taken = await inTurns(rounds, {
        cp: take(cp, `${ours}${source}`, to ? 'north:' : ''),
        scp: take(scp, `${theirs}${source}`, to ? `${ADDRESS}:` : ''),
      });
      rows.push({
        what: `\`cp\` of ${what} ${way} a device`,
        unit,
        measured: median(taken.cp),
        floor: median(taken.scp),
        floorOf: 'scp',
        promised: { ratio: 1 },
        note: `${(agentMs / rounds / 1_000).toFixed(1)} s of the agent's processor each time; both with the start of their programs.`,
      });
    }
    return rows;
  };
};
