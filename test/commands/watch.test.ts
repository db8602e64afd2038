/** What is watched: events and telemetry over restarts of the engine, lists that are kept current, the audit trail. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditRecord } from '../../src/protocol/audit.ts';
import type { Event } from '../../src/protocol/event.ts';
import { Place, type Process } from '../lab/processes.ts';
import { CTRL_C, Terminal } from '../lab/terminal.ts';

const place = new Place();
const terminals: Terminal[] = [];
afterAll(async () => {
  for (const one of terminals) one.kill();
  await place.dispose();
});

let engine: Process;
beforeAll(async () => {
  engine = await place.startEngine();
  await place.startDevice('web-1');
}, 60_000);

const start = (...args: string[]): Process =>
  place.start('borealisctl', args, { BOREALIS_SOCKET: place.socket });
const terminal = (...args: string[]): Terminal => {
  const made = new Terminal({ args, env: { BOREALIS_SOCKET: place.socket } });
  terminals.push(made);
  return made;
};
const records = <T>({ stdout }: Process): T[] =>
  stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as T);
const rename = (to: string) => place.client.call('device.rename', { device: 'web', name: to });

const restart = async (signal: NodeJS.Signals): Promise<void> => {
  const address = await place.agentAddress();
  await engine.kill(signal);
  engine = await place.startEngine(['--listen', address]);
};

describe('event watch', () => {
  test('--after 0 tells what was, one JSON object a line; Ctrl-C ends it well', async () => {
    const watch = start('event', 'watch', '--after', '0', '--json');
    await watch.until(() => watch.stdout.includes('device.online'), 'device.online');
    const types = records<Event>(watch).map(({ type }) => type);
    expect(types.slice(0, 2)).toEqual(['engine.started', 'code.created']);
    expect((await watch.kill('SIGINT')).code).toBe(0);
  });

  test('a noun stands for all of its types, a wrong one is answered with the nearest', async () => {
    const watch = start('event', 'watch', '--after', '0', '--type', 'approval', '--json');
    await watch.until(() => watch.stdout.includes('approval.approved'), 'approval.approved');
    await watch.kill('SIGINT');
    expect(records<Event>(watch).every(({ type }) => type.startsWith('approval.'))).toBe(true);
    const wrong = await place.ctl(['event', 'watch', '--type', 'device.onlin']);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('device.online')]);
  });

  test('--device tells of that one alone; one that is not there is told at once, with the nearest', async () => {
    const watch = start('event', 'watch', '--after', '0', '--device', 'web', '--json');
    await watch.until(() => watch.stdout.includes('device.online'), 'device.online');
    await watch.kill('SIGINT');
    expect(new Set(records<Event>(watch).map(({ device }) => device))).toEqual(new Set(['web-1']));
    const listed = await place.json<Event[]>(['event', 'list', '--device', 'web']);
    expect(listed.toReversed()).toEqual(records<Event>(watch).slice(0, listed.length));
    const wrong = await place.ctl(['event', 'watch', '--device', 'wep-1']);
    expect([wrong.code, wrong.stderr]).toEqual([3, expect.stringContaining('Did you mean web-1?')]);
  });

  test.each(['SIGTERM', 'SIGKILL'] as const)(
    'goes on after %s of the engine: nothing missed or told twice',
    async (signal) => {
      const after = await place.newestEvent();
      const watch = start('event', 'watch', '--after', String(after), '--json');
      await rename('web-before');
      await watch.until(() => watch.stdout.includes('web-before'), 'the first event');
      await restart(signal);
      await rename('web-after');
      await watch.until(() => watch.stdout.includes('called web-after'), 'the last event');
      await watch.kill('SIGINT');
      await rename('web-1');
      const ids = records<Event>(watch).map(({ id }) => id);
      expect(ids).toEqual(Array.from(ids, (_, index) => after + 1 + index));
      expect(records<Event>(watch).map(({ type }) => type)).toContain('engine.started');
    },
  );

  test('an engine that is not there at all is not waited for: 5', async () => {
    const { code, stderr } = await place.ctl(['event', 'watch', '--socket', place.path('none.sock')]);
    expect([code, stderr]).toEqual([5, expect.stringContaining('borealisctl daemon start')]);
  });

  test('in a terminal: a line each, until Ctrl-C', async () => {
    const watch = terminal('event', 'watch', '--after', '0');
    await watch.until('device.online');
    watch.type(CTRL_C);
    expect(await watch.ended).toBe(0);
    expect(watch.text).toMatch(/^\d\d:\d\d:\d\d +1 {2}engine\.started +The engine /m);
  });
});

describe('telemetry', () => {
  const measured = async (): Promise<void> => {
    const watch = start('telemetry', 'watch', 'web-1', '--json');
    await watch.until(() => watch.stdout.endsWith('\n'), 'a measurement');
    await watch.kill('SIGINT');
    expect(records<object>(watch)[0]).toMatchObject({
      device: 'web-1',
      sample: { cpu_percent: expect.any(Number) },
    });
  };

  test('watch, then show: table, --json, and charts in a terminal', async () => {
    // The first one comes soon after an agent connects.
    await restart('SIGTERM');
    await measured();
    const { stdout } = await place.ctl(['telemetry', 'show', 'web-1']);
    expect(stdout).toMatch(/^TIME +CPU +LOAD +MEMORY .*\n\d{4}-\d\d-\d\dT/);
    const samples = await place.json<object[]>(['telemetry', 'show', 'web-1', '--since', '10m']);
    expect(samples.at(-1)).toHaveProperty('memory_used_bytes');
    const shown = terminal('telemetry', 'show', 'web-1');
    expect(await shown.ended).toBe(0);
    expect(shown.text).toMatch(/^CPU .*[▁▂▃▄▅▆▇█].* now \d+%/m);
  }, 90_000);

  test('mistakes', async () => {
    expect((await place.ctl(['telemetry', 'show', 'web-1', '--since', 'yesterday'])).code).toBe(2);
    expect((await place.ctl(['telemetry', 'show', 'nosuch'])).code).toBe(3);
    expect((await place.ctl(['telemetry', 'watch', 'nosuch'])).code).toBe(3);
  });
});

test('--watch keeps a list current, and ends with Ctrl-C', async () => {
  const list = terminal('device', 'list', '--watch');
  await list.until('web-1');
  await rename('web-new');
  await list.until('web-new');
  list.type(CTRL_C);
  expect(await list.ended).toBe(0);
  await rename('web-1');
});

describe('audit', () => {
  test('list: who did what; filters; newest first', async () => {
    const { stdout } = await place.ctl(['audit', 'list', '--action', 'device.rename', '--limit', '1']);
    expect(stdout.split('\n')).toHaveLength(3);
    expect(stdout).toMatch(/device\.rename +web-new +done +guid=\S+ from=web-new to=web-1$/m);
    const all = await place.json<AuditRecord[]>(['audit', 'list', '--limit', '100000']);
    expect(all.map(({ seq }) => seq)).toEqual(Array.from(all, (_, index) => all.length - index));
    const recent = await place.json<AuditRecord[]>(['audit', 'list', '--since', '1h', '--actor', 'nobody']);
    expect(recent).toEqual([]);
  });

  test('verify: intact, 0', async () => {
    const { code, stdout } = await place.ctl(['audit', 'verify']);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^The chain is intact: \d+ records, /)]);
  });

  test('verify: changed behind the engine, 1, and the record is named', async () => {
    await engine.kill('SIGTERM');
    const { default: Database } = await import('better-sqlite3');
    const store = new Database(place.path('engine', 'borealis.db'));
    store.prepare("UPDATE audit SET actor = 'somebody' WHERE seq = 3").run();
    store.close();
    engine = await place.startEngine();
    const { code, stderr } = await place.ctl(['audit', 'verify']);
    expect([code, stderr]).toEqual([1, expect.stringContaining('broken at record 3 (changed)')]);
    const json = await place.ctl(['audit', 'verify', '--json']);
    expect([json.code, JSON.parse(json.stdout)]).toMatchObject([1, { intact: false, break: { seq: 3 } }]);
  });
});
