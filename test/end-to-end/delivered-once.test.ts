/**
 * Engine and agent killed in turn while commands are under way: each command runs at most once, and each has its result
 * in the end.
 */
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Client } from '../../src/client/client.ts';
import { BorealisError } from '../../src/protocol/errors.ts';
import { FINAL_STATES, type Job } from '../../src/protocol/job.ts';
import { Place, type Process } from '../lab/processes.ts';

const ROUNDS = 12;
const JOBS_A_ROUND = 5;

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.dispose());

test('over kills of either side no command runs twice and no result is lost', {
  timeout: 300_000,
}, async () => {
  const client = new Client(place.socket);
  const marks = place.path('marks');
  // The agents must find the engine again: the port of the first start is kept.
  let engine = await place.startEngine();
  const address = await place.agentAddress();
  const startEngine = () => place.startEngine(['--listen', address]);
  let agent: Process = await place.startAgent('device');
  const acknowledged = new Map<string, string>();

  for (let round = 0; round < ROUNDS; round++) {
    const kill = randomInt(1, JOBS_A_ROUND * 2);
    let seen = 0;
    const victim = round % 2 === 0 ? engine : agent;
    const happened = (): void => {
      seen++;
      if (seen === kill) victim.child.kill('SIGKILL');
    };
    const stop = new AbortController();
    const watching = count(client, stop.signal, happened);
    for (let n = 0; n < JOBS_A_ROUND; n++) {
      const mark = `${round}-${n}`;
      const job = await begin(client, marks, mark);
      if (job) acknowledged.set(mark, job.id);
      happened();
    }
    if (victim.running) victim.child.kill('SIGKILL');
    await victim.finished;
    stop.abort();
    await watching;
    if (victim === engine) engine = await startEngine();
    else agent = place.agent('device', ['run']);
  }

  const ran = new Map<string, number>();
  for (const [mark, id] of acknowledged) {
    const job = await finished(client, id);
    const target = job.targets[0]!;
    const times = lines(marks).filter((line) => line === mark).length;
    ran.set(mark, times);
    if (target.state === 'succeeded') expect([mark, times, target.stdout]).toEqual([mark, 1, `${mark}\n`]);
    else expect([mark, target.error_code]).toEqual([mark, 'AGENT_RESTARTED']);
  }
  expect([...ran.values()].filter((times) => times > 1)).toEqual([]);
  expect([...ran.values()].filter((times) => times === 1).length).toBeGreaterThan(ROUNDS);
  expect((await agent.kill('SIGTERM')).code).toBe(0);
  expect((await engine.kill('SIGTERM')).code).toBe(0);
});

const lines = (path: string): string[] => readFileSync(path, 'utf8').split('\n');

/** Undefined where the engine was gone before it answered: it may have the job or not. */
const begin = async (client: Client, marks: string, mark: string): Promise<Job | undefined> => {
  const argv = ['/bin/sh', '-c', 'echo "$2" >> "$1"; echo "$2"', 'sh', marks, mark];
  try {
    return await client.call('job.create', { all: true, work: { kind: 'command', argv } });
  } catch (error) {
    if (error instanceof BorealisError && error.code === 'ENGINE_UNREACHABLE') return undefined;
    throw error;
  }
};

/** Counts what happens, to kill in the midst of it. */
const count = async (client: Client, signal: AbortSignal, happened: () => void): Promise<void> => {
  try {
    for await (const _ of client.stream('event.watch', {}, signal)) happened();
  } catch (error) {
    if (!(error instanceof BorealisError) || error.code !== 'ENGINE_UNREACHABLE') throw error;
  }
};

/** The job once it is over. */
const finished = async (client: Client, id: string): Promise<Job> => {
  for await (const message of client.stream('job.watch', { job: id })) {
    if (message.type === 'job' && FINAL_STATES.has(message.job.state)) break;
  }
  return client.call('job.show', { job: id });
};
