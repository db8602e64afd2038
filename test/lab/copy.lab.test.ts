/** Files through tunnels, while the network, the engine and the agent do what they like. */
import { hash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as lasts } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { partName } from '../../src/copy/part-file.ts';
import { COPY_PART_PREFIX } from '../../src/protocol/copy.ts';
import { hold } from '../commands/hold.ts';
import { picture } from '../copy/parts.ts';
import { requires } from '../require.ts';
import { tryTcp } from './inside.ts';
import { LAB_NEEDS, Lab } from './lab.ts';
import type { Process } from './processes.ts';

const OPERATOR = { user: 'nobody', group: 'nogroup' };
const LARGE = 40_000_000;

const digest = (file: string): string => hash('sha256', readFileSync(file));
/** Incompressible enough, and the same each time. */
const content = (bytes: number): Buffer => {
  const words = new Uint32Array(Math.ceil(bytes / 4));
  let state = 0x9e37_79b9;
  for (let at = 0; at < words.length; at += 1) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b_3c6d) + at;
    words[at] = state;
  }
  return Buffer.from(words.buffer).subarray(0, bytes);
};

interface Summary {
  readonly direction: string;
  readonly device: string;
  readonly files: number;
  readonly unchanged: number;
  readonly bytes: number;
  readonly transferred_bytes: number;
  readonly connections: number;
  readonly failed: number;
  readonly left_out: number;
  readonly problems: readonly { readonly path: string; readonly left_out: boolean }[];
}

describe('cp', requires(...LAB_NEEDS), () => {
  let lab: Lab;
  let agent: Process;
  let engine: Process;
  const here = (...names: string[]) => lab.path('here', ...names);
  const there = (...names: string[]) => lab.path('there', ...names);
  const large = () => here('large');

  beforeAll(async () => {
    lab = await Lab.start(['north']);
    chmodSync(lab.directory, 0o755);
    engine = await lab.startEngine([], { BOREALIS_SOCKET_GROUP: OPERATOR.group });
    agent = await lab.startDevice('north');
    await lab.json(['user', 'grant', OPERATOR.user, 'operator']);
    mkdirSync(here());
    mkdirSync(there());
    writeFileSync(large(), content(LARGE));
  });
  afterAll(() => lab?.dispose());

  /** Copies the large file at the pace of a slow line, and resolves once some of it is there. */
  const halfway = async (to: string): Promise<Process> => {
    lab.network.throttle(8);
    const copying = lab.operator(['cp', large(), `north:${to}`, '--json']);
    const arrived = (): number => {
      if (!copying.running) throw new Error(`it ended: ${copying.stdout}${copying.stderr}`);
      const part = there(partName(basename(to)));
      return existsSync(part) ? statSync(part).size : 0;
    };
    await expect.poll(arrived, { interval: 20 }).toBeGreaterThan(2_000_000);
    return copying;
  };
  const arrivesIn = async (copying: Process, to: string): Promise<Summary> => {
    const { code, stdout, stderr } = await copying.finished;
    expect({ code, stderr, stdout }).toMatchObject({ code: 0, stderr: '' });
    expect(digest(to)).toBe(digest(large()));
    expect(readdirSync(there()).filter((name) => name.startsWith(COPY_PART_PREFIX))).toEqual([]);
    return JSON.parse(stdout) as Summary;
  };

  test('there and back, whole, with its mode', async () => {
    const [file, back] = [here('a'), here('b')];
    writeFileSync(file, content(3_000_000), { mode: 0o741 });
    const { code, stdout } = await lab.ctl(['cp', file, `north:${there('a')}`]);
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/^1 file \(2\.9 MiB\) to north in .*, .*iB\/s\.\n$/),
    ]);
    expect([digest(there('a')), statSync(there('a')).mode & 0o777]).toEqual([digest(file), 0o741]);
    const summary = await lab.json<Summary>(['cp', `north:${there('a')}`, back]);
    await hold(lab, 'cp', summary);
    expect(summary).toMatchObject({
      direction: 'from_device',
      device: 'north',
      files: 1,
      bytes: 3_000_000,
      transferred_bytes: 3_000_000,
    });
    expect(digest(back)).toBe(digest(file));
    await lab.event('copy.started', ({ data }) => data.direction === 'from_device');
  });

  test('a tree, both ways, and a second time nothing of it', async () => {
    mkdirSync(here('tree/a/b'), { recursive: true, mode: 0o750 });
    for (let n = 0; n < 300; n += 1) writeFileSync(here(`tree/a/b/f${n}`), content(n * 20), { mode: 0o640 });
    writeFileSync(here('tree/run.sh'), '#!/bin/sh\n', { mode: 0o755 });
    symlinkSync('run.sh', here('tree/link'));
    symlinkSync('/etc/passwd', here('tree/out'));
    const { problems, ...summary } = await lab.json<Summary>(['cp', here('tree'), `north:${there()}`]);
    expect(summary).toMatchObject({ files: 301, links: 1, failed: 0, left_out: 1, connections: 1 });
    expect(problems).toMatchObject([{ path: 'tree/out', left_out: true }]);
    await lab.json(['cp', '-r', `north:${there('tree')}`, here('back')]);
    const { out: _, ...wanted } = picture(here('tree'));
    expect(picture(here('back'))).toEqual(wanted);
    const again = await lab.json<Summary>(['cp', here('tree'), `north:${there()}`]);
    expect(again).toMatchObject({ files: 301, unchanged: 301, transferred_bytes: 0 });
  });

  test('what cannot be put in its place is said, the rest arrives, and the exit code says so', async () => {
    mkdirSync(here('some'));
    for (const name of ['x', 'y']) writeFileSync(here('some', name), name);
    mkdirSync(there('some/x/in-the-way'), { recursive: true });
    const { code, stdout, stderr } = await lab.ctl(['cp', here('some'), `north:${there()}`]);
    expect(code).toBe(8);
    expect(stderr).toMatch(/Warning: some\/x: a directory is in its place/);
    expect(stdout).toMatch(/1 file .*1 entry could not be copied/);
    expect(readFileSync(there('some/y'), 'utf8')).toBe('y');
    const none = await lab.ctl(['cp', here('some/x'), `north:${there('some')}`]);
    expect(none.code).toBe(1);
    const missing = await lab.ctl(['cp', 'north:/no/such/file', here('x'), '--json']);
    expect([missing.code, JSON.parse(missing.stdout)]).toMatchObject([
      3,
      { error: { code: 'NO_SUCH_PATH' } },
    ]);
  });

  test('another operator may; without the command nobody of theirs reaches the agent', async () => {
    const { virtual_ip } = await lab.json<{ virtual_ip: string }>(['tunnel', 'status', 'north']);
    const free = here('free');
    writeFileSync(free, 'free');
    const { code, stderr } = await lab.ctlAs(OPERATOR, ['cp', free, `north:${there()}`]).finished;
    expect([code, stderr]).toEqual([0, '']);
    // As what the agent runs as, whoever asked.
    expect(statSync(there('free')).uid).toBe(0);
    const theirs = { argv: (...line: [string, ...string[]]) => lab.engine.argv('setpriv', ...AS, ...line) };
    expect(await tryTcp(theirs, virtual_ip, 47_001)).not.toBe('echo');
    const refused = await lab.ctlAs({ user: 'daemon', group: OPERATOR.group }, ['cp', free, 'north:'])
      .finished;
    expect(refused.code).toBe(4);
  });
  const AS = [`--reuid=${OPERATOR.user}`, `--regid=${OPERATOR.group}`, '--clear-groups', '--'];

  test('through a cable that is out for a minute in the middle: it resumes, and the hash is equal', async () => {
    const copying = await halfway(there('cut'));
    lab.network.cut('north');
    await lasts(60_000); // the fault itself
    expect(copying.running).toBe(true);
    lab.network.restore('north');
    lab.network.heal();
    const { connections, transferred_bytes } = await arrivesIn(copying, there('cut'));
    expect(connections).toBeGreaterThan(1);
    // What had arrived did not go over again, but for what was on its way.
    expect(transferred_bytes).toBeLessThan(LARGE + 8_000_000);
  });

  test('in a terminal it shows how far it is, and how long it takes', async () => {
    lab.network.throttle(8);
    const terminal = lab.terminal(['cp', large(), `north:${there('shown')}`], { columns: 120 });
    await terminal.until(/[█░]{20} \d+% · [\d.]+ MiB of 38\.1 MiB · [\d.]+ [KM]iB\/s · \d+ s left/);
    lab.network.heal();
    expect(await terminal.ended).toBe(0);
    expect(terminal.text).toMatch(/1 file \(38\.1 MiB\) to north in .*\.\n$/);
  });

  test('interrupted by whoever waits for it, it ends, and what has come is not sent again', async () => {
    const first = await halfway(there('interrupted'));
    const { code, stdout } = await first.kill('SIGINT');
    expect([code, JSON.parse(stdout)]).toMatchObject([130, { error: { code: 'CANCELLED' } }]);
    lab.network.heal();
    const second = lab.operator(['cp', large(), `north:${there('interrupted')}`, '--json']);
    const { transferred_bytes } = await arrivesIn(second, there('interrupted'));
    expect(transferred_bytes).toBeLessThan(LARGE - 2_000_000);
  });

  test('an agent that is killed in the middle, and started again: it goes on', async () => {
    const copying = await halfway(there('agent'));
    await agent.kill('SIGKILL');
    agent = lab.agent('north', ['run'], { BOREALIS_AGENT_FINGERPRINT: 'north' });
    await agent.until(() => agent.stderr.includes('"msg":"connected"'), 'north is connected');
    lab.network.heal();
    expect((await arrivesIn(copying, there('agent'))).connections).toBeGreaterThan(1);
  });

  test('an engine that is killed in the middle, and started again: it goes on', async () => {
    const copying = await halfway(there('engine'));
    await engine.kill('SIGKILL');
    engine = await lab.startEngine([], { BOREALIS_SOCKET_GROUP: OPERATOR.group });
    lab.network.heal();
    await arrivesIn(copying, there('engine'));
  });

  test('ended in the middle, goes on from there when it is run again', async () => {
    const first = await halfway(there('again'));
    await first.kill('SIGKILL');
    lab.network.heal();
    expect(existsSync(there('again'))).toBe(false);
    const second = lab.operator(['cp', large(), `north:${there('again')}`, '--json']);
    const { transferred_bytes } = await arrivesIn(second, there('again'));
    expect(transferred_bytes).toBeLessThan(LARGE - 2_000_000);
  });
});
