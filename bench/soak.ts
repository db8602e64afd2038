/**
 * npm run soak [-- --minutes 60 --agents 200]
 * npm run soak -- ha [--rounds 500 --seed N --driver own]        faults of a pair at random: ha-soak.ts
 *
 * One engine and its agents for as long as you like: signed commands to all of them without a pause, the engine killed
 * half-way. It fails where a command is lost, where the engine keeps growing or keeps files open, where an agent does
 * not come back, where the audit chain is broken. A line a minute; the end says what was wrong.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Fleet } from './fleet/fleet.ts';
import { ended, residentKib, startHelper } from './processes.ts';

const MINUTE_MS = 60_000;
const LOOK_MS = 50;
/** A job that takes longer has lost a command: they take milliseconds. */
const LOST_MS = 120_000;
/** Of what the engine holds after a third of its life; V8 and SQLite fill their caches until then. */
const GROWTH = 1.25;
const FILES_MORE = 8;

interface Sample {
  readonly at: number;
  readonly mebibytes: number;
  readonly files: number;
}

const sample = ({ engine }: Fleet): Sample => ({
  at: performance.now(),
  mebibytes: residentKib(engine.pid) / 1_024,
  files: readdirSync(`/proc/${engine.pid}/fd`).length,
});

/** Throws where a command did not come back from each of them. */
const command = async ({ client, size }: Fleet): Promise<void> => {
  const end = performance.now() + LOST_MS;
  const work = { kind: 'verb', verb: 'get_system_health', args: {} } as const;
  const { id } = await client.call('job.create', { work, all: true });
  for (;;) {
    const { counts, finished_at } = (await client.call('job.list', { limit: 1 })).items[0]!;
    if (finished_at && counts.succeeded === size) return;
    if (finished_at || performance.now() > end) throw new Error(`job ${id}: ${JSON.stringify(counts)}`);
    await sleep(LOOK_MS);
  }
};

/** One life of the engine, `ms` long. Returns what was wrong with it. */
const life = async (fleet: Fleet, ms: number, begun: number): Promise<string[]> => {
  const [from, samples] = [performance.now(), [] as Sample[]];
  let [commands, next] = [0, from + MINUTE_MS];
  while (performance.now() < from + ms) {
    await command(fleet);
    commands += fleet.size;
    if (performance.now() < next) continue;
    next += MINUTE_MS;
    const now = sample(fleet);
    samples.push(now);
    const minute = Math.round((now.at - begun) / MINUTE_MS);
    console.log(
      `${minute} min: ${commands} commands, ${now.mebibytes.toFixed(1)} MiB, ${now.files} files, ${await fleet.online()} online`,
    );
  }
  const early = samples.find(({ at }) => at > from + ms / 3);
  const last = samples.at(-1);
  if (!early || !last) return [];
  return [
    ...(last.mebibytes > early.mebibytes * GROWTH
      ? [`it grew from ${early.mebibytes.toFixed(1)} to ${last.mebibytes.toFixed(1)} MiB`]
      : []),
    ...(last.files > early.files + FILES_MORE ? [`open files: ${early.files}, then ${last.files}`] : []),
  ];
};

const main = async (): Promise<string[]> => {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '60' },
      agents: { type: 'string', default: '200' },
    },
  });
  const half = (Number(values.minutes) * MINUTE_MS) / 2;
  const directory = mkdtempSync(join(tmpdir(), 'borealis-soak-'));
  const [state, file] = [join(directory, 'state'), join(directory, 'fleet.jsonl')];
  const begun = performance.now();
  const { child } = await startHelper('fleet/prepare.ts', [state, file, values.agents]);
  await ended(child);
  const fleet = await Fleet.start(Number(values.agents), state, file);
  try {
    await fleet.connect();
    const wrong = await life(fleet, half, begun);
    console.log(`killed with -9; all back after ${(await fleet.restart()).toFixed(1)} s`);
    wrong.push(...(await life(fleet, half, begun)));
    const audit = await fleet.client.call('audit.verify', {});
    if (!audit.intact) wrong.push(`the audit chain: ${JSON.stringify(audit)}`);
    return wrong;
  } finally {
    await fleet.close();
    rmSync(directory, { recursive: true, force: true });
  }
};

const [what, ...rest] = process.argv.slice(2);
const wrong = what === 'ha' ? await (await import('./ha-soak.ts')).soak(rest) : await main();
console.log(wrong.length === 0 ? 'nothing was lost, nothing grew' : `wrong: ${wrong.join('; ')}`);
process.exitCode = wrong.length === 0 ? 0 : 1;
