/**
 * npm run bench [NAME…] [--json] [--agents N] [--rounds N] [--quick] [--part NAME]
 *
 * Runs the benchmarks named (all of them otherwise), prints each row as it is known and all of them as a table at the
 * end. What a row is: row.ts. What each number means and how it is taken: docs/bench.md.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Benchmark, Ground } from './bench.ts';
import { asJson, met, type Row, ratioOf, table } from './row.ts';

/** In this order; the last three share one fleet of agents. */
const BENCHMARKS: Readonly<Record<string, () => Promise<{ benchmark: Benchmark }>>> = {
  cli: () => import('./cli.ts'),
  crypto: () => import('./crypto.ts'),
  store: () => import('./store.ts'),
  startup: () => import('./startup.ts'),
  api: () => import('./api.ts'),
  shells: () => import('./shells.ts'),
  'device-shells': () => import('./device-shells.ts'),
  tunnels: () => import('./tunnels.ts'),
  vpn: () => import('./vpn.ts'),
  ha: () => import('./ha.ts'),
  copy: () => import('./copy.ts'),
  dashboard: () => import('./dashboard.ts'),
  agents: () => import('./agents.ts'),
  commands: () => import('./commands.ts'),
  reconnect: () => import('./reconnect.ts'),
};

const say = (message: string): void => void process.stderr.write(`${message}\n`);

const main = async (): Promise<void> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      agents: { type: 'string', default: '10000' },
      rounds: { type: 'string', default: '5' },
      quick: { type: 'boolean', default: false },
      part: { type: 'string' },
    },
  });
  const unknown = positionals.find((name) => !(name in BENCHMARKS));
  if (unknown !== undefined)
    throw new Error(`no benchmark ${unknown}; there are: ${Object.keys(BENCHMARKS).join(', ')}`);
  const names = Object.keys(BENCHMARKS).filter(
    (name) => positionals.length === 0 || positionals.includes(name),
  );
  const root = mkdtempSync(join(tmpdir(), 'borealis-bench-'));
  const closers: (() => void | Promise<void>)[] = [];
  const ground: Ground = {
    settings: {
      agents: Number(values.agents),
      rounds: Number(values.rounds),
      quick: values.quick,
      part: values.part,
    },
    directory: (name) => mkdtempSync(join(root, `${name}-`)),
    say: (message) => say(`  ${message}`),
    atEnd: (close) => void closers.unshift(close),
  };
  const rows: Row[] = [];
  try {
    for (const name of names) {
      const { benchmark } = await BENCHMARKS[name]!();
      say(`${name}: ${benchmark.summary}`);
      for (const row of await benchmark.run(ground)) {
        rows.push(row);
        say(
          `  ${row.what}: ${row.measured.toPrecision(4)} ${row.unit}, ${ratioOf(row).toFixed(2)} × ${row.floorOf}`,
        );
      }
    }
  } finally {
    for (const close of closers) await close();
    rmSync(root, { recursive: true, force: true });
  }
  const machine = `${availableParallelism()} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
  const date = new Date().toISOString();
  if (values.json)
    process.stdout.write(`${JSON.stringify({ date, machine, rows: rows.map(asJson) }, null, 2)}\n`);
  else {
    const missed = rows.filter((row) => met(row) === false).length;
    process.stdout.write(`\n${date.slice(0, 10)}, ${machine}\n\n${table(rows)}\n\n`);
    process.stdout.write(missed === 0 ? 'Every promise was kept.\n' : `${missed} promises were missed.\n`);
  }
};

await main();
