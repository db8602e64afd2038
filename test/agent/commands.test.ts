/** Limits, order and idempotence of commands, with real processes over a real channel. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CommandClaims, ResultClaims } from '../../src/protocol/command.ts';
import { CLOSE } from '../../src/protocol/frame.ts';
import { requires } from '../require.ts';
import { EngineDouble, type Enrolled, openResult, type Peer } from './engine-double.ts';
import { agentFor, temporary } from './parts.ts';

let engine: EngineDouble;
let enrolled: Enrolled;
let peer: Peer;
let served: Awaited<ReturnType<typeof agentFor>>;
let folder: ReturnType<typeof temporary>;

beforeEach(async () => {
  engine = await EngineDouble.start();
  enrolled = await engine.enrolled();
  folder = temporary();
  served = await agentFor(engine, enrolled, folder.directory);
  peer = await engine.peer();
  await peer.frame('TELEMETRY');
});
afterEach(async () => {
  await served.close();
  await engine.close();
  await folder.remove();
});

const send = (change: Partial<CommandClaims>, to = peer): CommandClaims => {
  const claims = engine.claims(enrolled, change);
  to.send({ type: 'COMMAND', envelope: engine.seal(claims) });
  return claims;
};
const shell = (script: string): Partial<CommandClaims> => ({ args: { argv: ['/bin/sh', '-c', script] } });
const resultOf = async ({ corr_id }: { corr_id: string }, from = peer): Promise<ResultClaims> =>
  openResult((await from.frame('RESULT', (frame) => frame.corr_id === corr_id)).envelope, enrolled);
const script = (language: string, body: string, args: string[] = []): Partial<CommandClaims> => {
  const sha256 = createHash('sha256').update(body).digest('hex');
  const signature = engine.seal({ name: 's', language, sha256 }, 'borealis-script+jws');
  return { verb: 'run_script', args: { name: 's', language, body, signature, arguments: args } };
};
const isAlive = (pid: number): boolean => {
  try {
    // A zombie is dead, and only waits for its parent, here whoever is process 1, to look.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false; // gone is what the test hopes for
  }
};

describe('run_command', () => {
  it('tells exit code and both streams, live and in the result', async () => {
    const claims = send(shell('echo out; echo err >&2; exit 3'));
    expect(await resultOf(claims)).toMatchObject({
      state: 'failed',
      exit_code: 3,
      error_code: null,
      stdout: 'out\n',
      stderr: 'err\n',
      truncated: false,
    });
    expect(peer.all('OUTPUT').map(({ stream, data }) => [stream, data])).toEqual([
      ['stdout', 'out\n'],
      ['stderr', 'err\n'],
    ]);
    const types = peer.frames.map(({ type }) => type);
    expect(types.indexOf('ACCEPTED')).toBeLessThan(types.indexOf('OUTPUT'));
    expect(types.indexOf('OUTPUT')).toBeLessThan(types.indexOf('RESULT'));
  });

  it('has no shell in between', async () => {
    expect(await resultOf(send({ args: { argv: ['echo', '$HOME; `id`'] } }))).toMatchObject({
      stdout: '$HOME; `id`\n',
    });
  });

  it('says so when there is no such program', async () => {
    expect(await resultOf(send({ args: { argv: ['/no/such/program'] } }))).toMatchObject({
      state: 'failed',
      error_code: 'EXEC_FAILED',
    });
  });

  it('sees a small environment, no input, and none of the secrets of the agent', async () => {
    vi.stubEnv('BOREALIS_AGENT_LINK', 'secret');
    const { stdout } = await resultOf(send(shell('env; cat; pwd')));
    vi.unstubAllEnvs();
    expect(stdout).not.toMatch(/BOREALIS|NODE_|npm_|VITEST/);
    expect(stdout).toMatch(/^TERM=dumb$/m);
    expect(stdout).toMatch(/^\/$/m);
  });

  it('keeps head and tail of a flood', async () => {
    const result = await resultOf(send(shell('yes borealis | head -c 20000000; echo THE END')));
    expect(result).toMatchObject({ state: 'succeeded', truncated: true });
    expect(result.stdout.startsWith('borealis\n')).toBe(true);
    expect(result.stdout.endsWith('THE END\n')).toBe(true);
  });
});

it('on expiry the whole process group is ended, also what ignores SIGTERM', async () => {
  const claims = send({
    ...shell(
      'trap "" TERM; sh -c \'trap "" TERM; echo $$; while :; do sleep 1; done\' & echo $$; wait; while :; do sleep 1; done',
    ),
    timeout: 1,
  });
  const result = await resultOf(claims);
  expect(result).toMatchObject({ state: 'timed_out', error_code: 'EXEC_TIMEOUT' });
  const pids = result.stdout.trim().split('\n').map(Number);
  expect(pids).toHaveLength(2);
  expect(pids.filter(isAlive)).toEqual([]);
}, 20_000);

describe('limits', () => {
  it('four run at once, the others wait, in their order', async () => {
    const gate = join(folder.directory, 'gate');
    const log = join(folder.directory, 'order');
    const wait = `echo $0 >> ${log}; until [ -e ${gate} ]; do sleep 0.02; done`;
    const all = Array.from({ length: 8 }, (_, index) =>
      send({ args: { argv: ['/bin/sh', '-c', wait, String(index)] } }),
    );
    for (const { corr_id } of all) await peer.frame('ACCEPTED', (frame) => frame.corr_id === corr_id);
    await vi.waitFor(
      async () => expect((await readFile(log, 'utf8')).trim().split('\n')).toHaveLength(4),
      5_000,
    );
    expect(served.agent.running).toBe(4);
    await writeFile(gate, '');
    for (const claims of all) expect((await resultOf(claims)).state).toBe('succeeded');
    const order = (await readFile(log, 'utf8')).trim().split('\n').map(Number);
    expect(order.slice(0, 4).sort()).toEqual([0, 1, 2, 3]);
    expect(order.slice(4).sort()).toEqual([4, 5, 6, 7]);
  });

  it('a full queue refuses, durably', async () => {
    const gate = join(folder.directory, 'gate');
    const wait = shell(`until [ -e ${gate} ]; do sleep 0.02; done`);
    peer.acknowledges = true;
    const all = Array.from({ length: 4 + 64 + 3 }, () => send(wait));
    const results = Promise.all(all.map((claims) => resultOf(claims)));
    const refused = all.slice(-3);
    for (const claims of refused)
      expect(await resultOf(claims)).toMatchObject({ state: 'refused', error_code: 'RATE_LIMITED' });
    await writeFile(gate, '');
    const states = (await results).map(({ state }) => state);
    expect(states.filter((state) => state === 'succeeded')).toHaveLength(68);
  }, 60_000);

  it('what waited past its expiry does not run', async () => {
    const gate = join(folder.directory, 'gate');
    const mark = join(folder.directory, 'mark');
    for (let i = 0; i < 4; i++) send(shell(`until [ -e ${gate} ]; do sleep 0.02; done`));
    const late = send({ args: { argv: ['touch', mark] }, exp: Math.floor(Date.now() / 1_000) + 2 });
    await peer.frame('ACCEPTED', ({ corr_id }) => corr_id === late.corr_id);
    await vi.waitFor(() => expect(Date.now() / 1_000).toBeGreaterThan(late.exp), 5_000);
    await writeFile(gate, '');
    expect(await resultOf(late)).toMatchObject({ state: 'refused', error_code: 'EXPIRED_TOKEN' });
    expect(existsSync(mark)).toBe(false);
  });

  it('a waiting command can be cancelled', async () => {
    const gate = join(folder.directory, 'gate');
    const mark = join(folder.directory, 'mark');
    for (let i = 0; i < 4; i++) send(shell(`until [ -e ${gate} ]; do sleep 0.02; done`));
    const waiting = send({ args: { argv: ['touch', mark] } });
    await peer.frame('ACCEPTED', ({ corr_id }) => corr_id === waiting.corr_id);
    const cancel = engine.claims(enrolled, { verb: 'cancel_command', args: { corr_id: waiting.corr_id } });
    peer.send({ type: 'CANCEL', envelope: engine.seal(cancel) });
    expect(await resultOf(waiting)).toMatchObject({ state: 'cancelled' });
    await writeFile(gate, '');
    expect(existsSync(mark)).toBe(false);
  });
});

describe('one result for each command', () => {
  it('sent again on each channel until it is acknowledged', async () => {
    const claims = send({});
    const first = (await peer.frame('RESULT')).envelope;
    peer.socket.terminate();
    const second = await engine.peer(1);
    expect((await second.frame('RESULT')).envelope).toBe(first);
    second.send({ type: 'RESULT_ACK', corr_id: claims.corr_id });
    await second.settled();
    second.socket.close(CLOSE.goingAway);
    const third = await engine.peer(2);
    await third.frame('TELEMETRY');
    await third.settled();
    expect(third.all('RESULT')).toEqual([]);
  });

  it('delivered twice it runs once: while it runs, and when it has finished', async () => {
    const log = join(folder.directory, 'runs');
    const gate = join(folder.directory, 'gate');
    const claims = engine.claims(
      enrolled,
      shell(`echo ran >> ${log}; until [ -e ${gate} ]; do sleep 0.02; done`),
    );
    const envelope = engine.seal(claims);
    peer.send({ type: 'COMMAND', envelope });
    peer.send({ type: 'COMMAND', envelope });
    await peer.frame('ACCEPTED');
    peer.send({ type: 'COMMAND', envelope });
    await peer.settled();
    await writeFile(gate, '');
    const first = await peer.frame('RESULT');
    peer.send({ type: 'COMMAND', envelope });
    await vi.waitFor(() => expect(peer.all('RESULT')).toHaveLength(2), 5_000);
    expect(peer.all('RESULT')[1]).toEqual(first);
    expect(await readFile(log, 'utf8')).toBe('ran\n');
  });

  it('many wait for the engine to come back, and come a few at a time', async () => {
    const all = Array.from({ length: 40 }, () => send({}));
    await vi.waitFor(() => expect(served.spool.finishedOnes()).toHaveLength(40), 20_000);
    peer.socket.terminate();
    const next = await engine.peer(1);
    await vi.waitFor(() => expect(next.all('RESULT')).toHaveLength(16), 5_000);
    await next.settled();
    expect(next.all('RESULT')).toHaveLength(16);
    const seen = new Set<string>();
    while (seen.size < all.length) {
      const { corr_id } = await next.frame('RESULT', (frame) => !seen.has(frame.corr_id));
      seen.add(corr_id);
      next.send({ type: 'RESULT_ACK', corr_id });
    }
    expect(next.all('RESULT')).toHaveLength(all.length);
    await next.settled();
    await vi.waitFor(() => expect(served.spool.unsettled).toBe(0), 5_000);
  }, 60_000);

  it('a command that runs when the agent stops ends, and its result comes with the next start', async () => {
    const claims = send(shell('echo begun; sleep 60'));
    await peer.frame('OUTPUT');
    await served.close();
    expect((await peer.frame('EVENT')).kind).toBe('stopping');
    expect((await peer.closed).code).toBe(CLOSE.clean);
    served = await agentFor(engine, enrolled, folder.directory);
    expect(await resultOf(claims, await engine.peer(1))).toMatchObject({
      state: 'failed',
      error_code: 'AGENT_RESTARTED',
      stdout: 'begun\n',
    });
  }, 20_000);
});

describe('run_script', () => {
  const rows: [name: string, language: string, body: string, exit_code: number, stdout: string][] = [
    ['sh', 'shell', 'echo "shell $1"; exit 4', 4, 'shell a b\n'],
    ['bash', 'shell', '#!/bin/bash\n[[ $1 == a* ]] && echo "bash $1"', 0, 'bash a b\n'],
    ['sh', 'shell', '#!/usr/bin/env python3\necho "still sh $1"', 0, 'still sh a b\n'],
    ['python3', 'python', 'import sys\nprint("python", sys.argv[1])', 0, 'python a b\n'],
    ['node', 'node', 'console.log("node", process.argv[2])', 0, 'node a b\n'],
  ];
  for (const [name, language, body, exit_code, stdout] of rows)
    it(`${language}, run by ${name}: ${body.split('\n')[0]}`, requires(name), async () => {
      const result = await resultOf(send(script(language, body, ['a b'])));
      expect(result).toMatchObject({ exit_code, stdout, stderr: '' });
      expect(await readdir(join(folder.directory, 'scripts'))).toEqual([]);
    });

  it('its body is private while it runs', async () => {
    const { stdout } = await resultOf(send(script('shell', 'stat -c %a "$0"')));
    expect(stdout).toBe('700\n');
  });
});

describe('verbs that tell', () => {
  it('get_system_health', async () => {
    const { state, value } = await resultOf(send({ verb: 'get_system_health', args: {} }));
    expect(state).toBe('succeeded');
    expect(value).toMatchObject({ cpu_percent: expect.any(Number), disks: expect.any(Array) });
  });

  it('get_monitoring_data', async () => {
    const { state, value } = await resultOf(
      send({ verb: 'get_monitoring_data', args: { parts: ['memory', 'processes'], top: 3 } }),
    );
    expect(state).toBe('succeeded');
    expect(value).toMatchObject({
      memory: { total_bytes: expect.any(Number) },
      processes: { list: { length: 3 } },
    });
    expect(Object.keys(value as object)).toEqual(['memory', 'processes']);
  });
});
