import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CLOSE } from '../../../src/protocol/frame.ts';
import { type JobEvent, jobEvent, jobOperations } from '../../../src/protocol/job.ts';
import type { InputOf, OutputOf } from '../../../src/protocol/operations.ts';
import { type TestAgent, TestAgents, type TestDevice, until } from '../agents.ts';

let agents: TestAgents;
let web1: TestDevice;
let web2: TestDevice;

beforeEach(async () => {
  agents = await (await TestAgents.open()).start();
  web1 = await agents.enrol('web1');
  web2 = await agents.enrol('web2');
});
afterEach(() => agents.close());

const create = (input: InputOf<'job.create'>): Promise<OutputOf<'job.create'>> =>
  agents.commands.operations['job.create'](
    jobOperations['job.create'].input.parse(input),
    agents.call('job.create', 'ada'),
  );
const cancel = (job: string) => agents.commands.operations['job.cancel']({ job }, agents.call('job.cancel'));
const retry = (job: string, all = false) =>
  agents.commands.operations['job.retry']({ job, all }, agents.call('job.retry'));
const list = (query: Record<string, unknown> = {}) =>
  agents.commands.operations['job.list'](
    jobOperations['job.list'].input.parse(query),
    agents.call('job.list'),
  );
const work = { kind: 'command' as const, argv: ['true'] };
const setDevice = (device: TestDevice, columns: Record<string, unknown>) =>
  agents.store.write(async (tx) => {
    await tx.db.updateTable('device').set(columns).where('guid', '=', device.guid).execute();
  });
const names = (job: { targets: { device: string }[] }) => job.targets.map(({ device }) => device).sort();

describe('a selection', () => {
  beforeEach(async () => {
    await setDevice(web1, { site: 'berlin' });
    await agents.store.write(async (tx) => {
      await tx.db
        .insertInto('device_tag')
        .values([
          { guid: web1.guid, key: 'role', value: 'web' },
          { guid: web2.guid, key: 'role', value: 'web' },
          { guid: web2.guid, key: 'env', value: 'test' },
        ])
        .execute();
    });
  });

  test('is those named, and those that match tags and site; each device once', async () => {
    expect(names(await create({ work, devices: ['web1', web1.guid, 'web1', 'web2'] }))).toEqual([
      'web1',
      'web2',
    ]);
    expect(names(await create({ work, devices: [web2.guid.slice(0, 13)] }))).toEqual(['web2']);
    expect(names(await create({ work, tags: { role: 'web' } }))).toEqual(['web1', 'web2']);
    expect(names(await create({ work, tags: { role: 'web', env: 'test' } }))).toEqual(['web2']);
    expect(names(await create({ work, site: 'berlin' }))).toEqual(['web1']);
    // Whoever types a tag and a site means both: a command must not reach more than was meant.
    expect(names(await create({ work, site: 'berlin', tags: { role: 'web' } }))).toEqual(['web1']);
    expect(names(await create({ work, site: 'berlin', all: true }))).toEqual(['web1']);
    await expect(create({ work, site: 'berlin', tags: { env: 'test' } })).rejects.toMatchObject({
      code: 'NO_DEVICE_MATCHES',
    });
    expect(names(await create({ work, all: true, devices: ['web1'] }))).toEqual(['web1', 'web2']);
  });

  test('of nothing is refused, and stores nothing', async () => {
    await expect(create({ work })).rejects.toMatchObject({ code: 'NO_TARGETS' });
    await expect(create({ work, site: 'paris' })).rejects.toMatchObject({ code: 'NO_DEVICE_MATCHES' });
    await expect(create({ work, devices: ['nobody'] })).rejects.toMatchObject({ code: 'DEVICE_NOT_FOUND' });
    await expect(create({ work, devices: ['web'] })).rejects.toMatchObject({ code: 'DEVICE_AMBIGUOUS' });
    expect((await list()).items).toEqual([]);
    expect(agents.told).toEqual([]);
  });

  test.each([
    ['quarantined', 'DEVICE_QUARANTINED'],
    ['revoked', 'DEVICE_REVOKED'],
  ])('names a %s device in vain; others are chosen without it', async (state, code) => {
    await setDevice(web1, { state });
    await expect(create({ work, devices: ['web1', 'web2'] })).rejects.toMatchObject({ code });
    await expect(create({ work, devices: [web1.guid] })).rejects.toMatchObject({ code });
    expect(names(await create({ work, all: true }))).toEqual(['web2']);
    expect(names(await create({ work, tags: { role: 'web' } }))).toEqual(['web2']);
  });

  test('needs an agent in the context', async () => {
    await agents.enrol('web2', { context: 'user', guid: web2.guid });
    await expect(create({ work, devices: ['web1'], context: 'user' })).rejects.toMatchObject({
      code: 'DEVICE_STATE_CONFLICT',
    });
    expect(names(await create({ work, all: true, context: 'user' }))).toEqual(['web2']);
  });
});

describe('a job', () => {
  test('is audited with who, what and where', async () => {
    const job = await create({
      work: { kind: 'command', argv: ['sh', '-c', 'echo $HOME'] },
      devices: ['web1'],
    });
    expect(job.title).toBe(`sh -c 'echo $HOME'`);
    const audit = await agents.store.read.selectFrom('audit').selectAll().execute();
    expect(audit).toMatchObject([{ actor: 'ada', action: 'job.create', target: job.id }]);
    expect(JSON.parse(audit[0]!.detail_json)).toMatchObject({ title: job.title, devices: ['web1'] });
    expect(agents.told).toMatchObject([{ type: 'job.created', message: `ada started ${job.title} on web1` }]);
  });

  test('of a verb carries its arguments, and its value comes back', async () => {
    const agent = await agents.connect(web1);
    const job = await create({
      work: { kind: 'verb', verb: 'get_service_status', args: { service: 'ssh' } },
      devices: ['web1'],
    });
    const value = { service: 'ssh', exists: true, pid: null };
    expect(await agent.obey({ value, stdout: '' })).toMatchObject({
      verb: 'get_service_status',
      args: { service: 'ssh' },
    });
    expect((await agents.finished(job.id)).targets[0]!.value).toEqual(value);
  });

  test('too large for a frame is refused before it is stored', async () => {
    const argv = Array.from({ length: 10 }, () => '€'.repeat(100_000));
    await expect(create({ work: { kind: 'command', argv }, devices: ['web1'] })).rejects.toMatchObject({
      code: 'BODY_TOO_LARGE',
    });
    expect((await list()).items).toEqual([]);
  });

  test('just small enough for a frame arrives', async () => {
    const agent = await agents.connect(web1);
    await create({
      work: { kind: 'command', argv: Array.from({ length: 6 }, () => 'x'.repeat(130_000)) },
      devices: ['web1'],
    });
    expect((await agent.nextCommand()).args.argv).toHaveLength(6);
  });

  test('is found by its id and a prefix of it', async () => {
    const job = await create({ work, devices: ['web1'] });
    expect((await agents.show(job.id.slice(0, 6))).id).toBe(job.id);
    await expect(agents.show('zzz')).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
    for (let count = 0; count < 33; count++) await create({ work, devices: ['web1'] });
    const initials = (await list()).items.map(({ id }) => id[0]!);
    const twice = initials.find((initial, index) => initials.indexOf(initial) !== index)!;
    await expect(agents.show(twice)).rejects.toMatchObject({ code: 'JOB_AMBIGUOUS' });
  });

  test('has the state of its targets: the worst counts', async () => {
    const one = await agents.connect(web1);
    const job = await create({ work, all: true });
    await one.obey();
    expect((await agents.show(job.id)).state).toBe('running');
    await (await agents.connect(web2)).obey({ state: 'failed', exit_code: 3 });
    expect(await agents.finished(job.id)).toMatchObject({
      state: 'failed',
      counts: { succeeded: 1, failed: 1 },
    });
    await agents.event('job.finished', ({ data }) => data.state === 'failed');
  });
});

describe('job.list', () => {
  test('shows the newest first, page by page, and by state', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 5; count++) ids.unshift((await create({ work, devices: ['web1'] })).id);
    const first = await list({ limit: 2 });
    const second = await list({ limit: 2, cursor: first.next_cursor });
    const third = await list({ limit: 2, cursor: second.next_cursor });
    expect(third.next_cursor).toBeNull();
    const all = [...first.items, ...second.items, ...third.items];
    expect(new Set(all.map(({ id }) => id))).toEqual(new Set(ids));
    expect(all.map(({ created_at }) => created_at)).toEqual(
      all
        .map(({ created_at }) => created_at)
        .toSorted()
        .toReversed(),
    );
    await cancel(ids[0]!);
    expect((await list({ state: 'cancelled' })).items).toMatchObject([
      { id: ids[0], counts: { cancelled: 1 } },
    ]);
    expect((await list({ state: 'queued' })).items).toHaveLength(4);
    await expect(list({ cursor: 'bm9uc2Vuc2U' })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});

describe('job.list with targets', () => {
  const output = (rows: { job: string; guid?: string; stdout: string; stderr?: string; value?: string }[]) =>
    agents.store.write(async (tx) => {
      for (const { job, guid = web1.guid, stdout, stderr = '', value } of rows)
        await tx.db
          .updateTable('job_target')
          .set({
            state: 'succeeded',
            exit_code: 0,
            stdout,
            stderr,
            value_json: value ?? null,
            duration_ms: 7,
          })
          .where('job_id', '=', job)
          .where('guid', '=', guid)
          .execute();
    });

  test('says of each what job.show says', async () => {
    const one = await create({ work, devices: ['web1'] });
    await create({ work, devices: ['web1', 'web2'] });
    await output([{ job: one.id, stdout: 'out', stderr: 'err', value: '{"a":1}' }]);
    const { items } = await list({ targets: true });
    expect(items).toHaveLength(2);
    for (const item of items) expect(item).toEqual(await agents.show(item.id));
    expect(items.find(({ id }) => id === one.id)?.targets).toMatchObject([
      { device: 'web1', exit_code: 0, stdout: 'out', stderr: 'err', value: { a: 1 }, truncated: false },
    ]);
    for (const item of (await list()).items) expect(item).not.toHaveProperty('targets');
  });

  test('cuts what is long where there is much of it, and says so', async () => {
    const many = 50;
    for (let count = 0; count < many; count++) {
      const { id } = await create({ work, devices: ['web1'] });
      await output([{ job: id, stdout: 'x'.repeat(262_144), value: `"${'y'.repeat(262_000)}"` }]);
    }
    const { items } = await list({ targets: true });
    expect(items).toHaveLength(many);
    expect(JSON.stringify(items).length).toBeLessThan(20_000_000);
    for (const { targets } of items)
      expect(targets).toMatchObject([
        { truncated: true, value: null, stdout: expect.stringMatching(/^x{100000}/) },
      ]);
  });

  test('ends a page before it has too many of them', async () => {
    const first = await create({ work, devices: ['web1'] });
    const large = await create({ work, devices: ['web2'] });
    await create({ work, devices: ['web1'] });
    await agents.store.write(async (tx) => {
      await tx.db.updateTable('job_count').set({ count: 10_000 }).where('job_id', '=', large.id).execute();
    });
    const ids: string[] = [];
    const sizes: number[] = [];
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = await list({ targets: true, cursor: cursor ?? undefined });
      ids.push(...page.items.map(({ id }) => id));
      sizes.push(page.items.length);
      cursor = page.next_cursor;
    }
    expect(new Set(ids).size).toBe(3);
    expect(ids).toHaveLength(3);
    expect(ids).toContain(first.id);
    // The large one shares its page with nothing.
    expect(sizes.length).toBeGreaterThan(1);
  });
});

describe('job.cancel', () => {
  const running = async (device: TestDevice) => {
    const agent = await agents.connect(device);
    const job = await create({ work, devices: [device.name] });
    const { corr_id } = await agent.nextCommand();
    agent.send({ type: 'ACCEPTED', corr_id });
    await until(async () => (await agents.show(job.id)).state === 'running');
    return { agent, job: job.id, corr_id };
  };

  test('of what waits is done at once, and it is never sent', async () => {
    const job = await create({ work, devices: ['web1'] });
    expect(await cancel(job.id)).toMatchObject({
      state: 'cancelled',
      targets: [{ error_code: 'JOB_CANCELLED' }],
    });
    await agents.event('job.finished');
    const agent = await agents.connect(web1);
    expect((await agent.settled()).map(({ type }) => type)).not.toContain('COMMAND');
    await expect(cancel(job.id)).rejects.toMatchObject({ code: 'JOB_FINISHED' });
    const audit = await agents.store.read.selectFrom('audit').select(['action', 'target']).execute();
    expect(audit).toContainEqual({ action: 'job.cancel', target: job.id });
  });

  test('of what runs tells the agent, and ends with its result', async () => {
    const { agent, job, corr_id } = await running(web1);
    expect((await cancel(job)).state).toBe('running');
    const { envelope } = await agent.next('CANCEL');
    const claims = agent.open(envelope);
    expect(claims).toMatchObject({
      verb: 'cancel_command',
      args: { corr_id },
      agent_targets: [`${web1.guid}/system`],
      policy_id: job,
    });
    expect(claims.corr_id).not.toBe(corr_id);
    agent.send(
      agent.resultFrame(corr_id, { state: 'cancelled', exit_code: null, error_code: 'JOB_CANCELLED' }),
    );
    await agent.next('RESULT_ACK');
    expect(await agents.finished(job)).toMatchObject({
      state: 'cancelled',
      targets: [{ state: 'cancelled' }],
    });
  });

  test('is told again until the agent answers, each time anew', async () => {
    const { agent, job } = await running(web1);
    await cancel(job);
    const first = agent.open((await agent.next('CANCEL')).envelope);
    agents.clock.advance(16_000);
    const second = agent.open((await agent.next('CANCEL')).envelope);
    expect(second.args).toEqual(first.args);
    expect(second.nonce).not.toBe(first.nonce);
    expect(second.corr_id).not.toBe(first.corr_id);
  });

  test('of what runs on a device that is away is shown at once, and told when it returns', async () => {
    const { agent, job, corr_id } = await running(web1);
    agent.socket.close(CLOSE.clean);
    await agents.event('device.offline');
    const shown = await cancel(job);
    expect(shown).toMatchObject({
      state: 'cancelled',
      targets: [{ state: 'cancelled', error_code: 'JOB_CANCELLED' }],
    });
    expect(shown.targets[0]!.error).toContain('offline');
    const back = await agents.connect(web1);
    expect(back.open((await back.next('CANCEL')).envelope).args).toEqual({ corr_id });
    expect((await back.settled()).map(({ type }) => type)).not.toContain('COMMAND');
    back.send(back.resultFrame(corr_id, { stdout: 'it had ended' }));
    await back.next('RESULT_ACK');
    expect((await agents.show(job)).targets[0]).toMatchObject({ state: 'succeeded', stdout: 'it had ended' });
  });

  test('that the agent never answers ends all the same', async () => {
    agents.settings.offline_after_seconds = 10_000;
    const { job } = await running(web1);
    await cancel(job);
    agents.clock.advance(301_000);
    expect(await agents.finished(job)).toMatchObject({
      state: 'cancelled',
      targets: [{ error_code: 'JOB_CANCELLED' }],
    });
  });

  test('survives the engine: the agent is told by the next one', async () => {
    const { job, corr_id } = await running(web1);
    await cancel(job);
    const after = await (await TestAgents.open(agents.directory)).start();
    try {
      const back = await after.connect(web1);
      expect(back.open((await back.next('CANCEL')).envelope).args).toEqual({ corr_id });
    } finally {
      await after.close({ keep: true });
    }
  });

  test('of many ends those that wait and leaves those that are over', async () => {
    const agent = await agents.connect(web1);
    const job = await create({ work, all: true });
    await agent.obey();
    expect(await cancel(job.id)).toMatchObject({
      state: 'cancelled',
      counts: { succeeded: 1, cancelled: 1 },
    });
  });
});

describe('job.retry', () => {
  test('runs the same again on those that did not succeed', async () => {
    const one = await agents.connect(web1);
    const two = await agents.connect(web2);
    const job = await create({ work: { kind: 'command', argv: ['make'] }, all: true, timeout: 99, ttl: 77 });
    await expect(retry(job.id)).rejects.toMatchObject({ code: 'NO_TARGETS' });
    await one.obey();
    await expect(retry(job.id)).rejects.toMatchObject({ code: 'NO_TARGETS' });
    await two.obey({ state: 'failed', exit_code: 2 });
    const again = await retry(job.id);
    expect(again).toMatchObject({ retry_of: job.id, title: 'make', timeout_seconds: 99 });
    expect(names(again)).toEqual(['web2']);
    expect(await two.obey()).toMatchObject({ timeout: 99, args: { argv: ['make'] } });
    expect(names(await retry(job.id, true))).toEqual(['web1', 'web2']);
  });

  test('leaves out devices that cannot take commands any more', async () => {
    const job = await create({ work, all: true });
    await cancel(job.id);
    await setDevice(web1, { state: 'quarantined' });
    expect(names(await retry(job.id))).toEqual(['web2']);
    await setDevice(web2, { state: 'revoked' });
    await expect(retry(job.id)).rejects.toMatchObject({ code: 'NO_TARGETS' });
  });
});

describe('a device that is gone', () => {
  for (const type of ['device.revoked', 'device.removed'] as const) {
    test(`${type}: what waits for it ends at once, what waits for others goes on`, async () => {
      const job = await create({ work, all: true });
      const watched = agents.commands.operations['job.watch']({ job: job.id }, agents.call('job.watch'));
      const device = { guid: web1.guid, name: 'web1' };
      await agents.store.write((tx) => agents.events.record(tx, { type, message: 'web1 is gone', device }));
      for await (const event of watched) {
        if (event.type === 'target' && event.target.device === 'web1' && event.target.state !== 'queued')
          break;
      }
      const { targets } = await agents.commands.operations['job.show'](
        { job: job.id },
        agents.call('job.show'),
      );
      expect(
        Object.fromEntries(targets.map(({ device, state, error_code }) => [device, [state, error_code]])),
      ).toEqual({
        web1: ['cancelled', 'DEVICE_REVOKED'],
        web2: ['queued', null],
      });
    });
  }
});

describe('job.watch', () => {
  /** Watches until the end; `each` is called with every event as it comes. */
  const watch = (job: string, each: (event: JobEvent) => void = () => {}) => {
    const events: JobEvent[] = [];
    const stop = new AbortController();
    const stream = agents.commands.operations['job.watch'](
      { job },
      agents.call('job.watch', 'ada', stop.signal),
    );
    const ended = (async () => {
      for await (const event of stream) {
        events.push(jobEvent.parse(event));
        each(event);
      }
      return events;
    })();
    return { events, ended, stop };
  };
  const output = (agent: TestAgent, corr_id: string, seq: number, data: string) =>
    agent.send({ type: 'OUTPUT', corr_id, seq, stream: 'stdout', data });

  test('tells what happens, in order, and ends with the job', async () => {
    const agent = await agents.connect(web1);
    const job = await create({ work, devices: ['web1'] });
    const { ended, events } = watch(job.id);
    await until(() => events.length === 1);
    const { corr_id } = await agent.nextCommand();
    agent.send({ type: 'ACCEPTED', corr_id });
    output(agent, corr_id, 0, 'one ');
    output(agent, corr_id, 1, 'two');
    agent.send(agent.resultFrame(corr_id, { stdout: 'one two' }));
    const told = (await ended).map((event) =>
      event.type === 'target' ? event.target.state : event.type === 'output' ? event.data : event.job.state,
    );
    expect(told.filter((word) => word !== 'running')).toEqual([
      'queued',
      'one ',
      'two',
      'succeeded',
      'succeeded',
    ]);
    expect(events.at(-2)).toMatchObject({ target: { stdout: 'one two' } });
  });

  test('tells who comes late what there was so far, then goes on without a gap', async () => {
    const agent = await agents.connect(web1);
    const job = await create({ work, devices: ['web1'] });
    const { corr_id } = await agent.nextCommand();
    agent.send({ type: 'ACCEPTED', corr_id });
    let sent = 0;
    for (; sent < 50; sent++) output(agent, corr_id, sent, `${sent};`);
    await agent.settled();
    const { ended, events } = watch(job.id);
    for (; sent < 100; sent++) output(agent, corr_id, sent, `${sent};`);
    agent.send(agent.resultFrame(corr_id));
    await ended;
    const text = events.flatMap((event) => (event.type === 'output' ? [event.data] : [])).join('');
    expect(text).toBe(Array.from({ length: 100 }, (_, seq) => `${seq};`).join(''));
  });

  test('of a job that is over tells its targets and ends', async () => {
    const agent = await agents.connect(web1);
    const job = await create({ work, devices: ['web1'] });
    await agent.obey({ stdout: 'all of it' });
    expect(await watch(job.id).ended).toMatchObject([
      { type: 'target', target: { state: 'succeeded', stdout: 'all of it' } },
      { type: 'job', job: { state: 'succeeded' } },
    ]);
  });

  test('says where output was left out', async () => {
    const agent = await agents.connect(web1);
    const job = await create({ work, devices: ['web1'] });
    const { corr_id } = await agent.nextCommand();
    const { ended, events } = watch(job.id);
    await until(() => events.length > 0);
    output(agent, corr_id, 0, 'a');
    output(agent, corr_id, 5, 'b');
    output(agent, corr_id, 5, 'b');
    agent.send(agent.resultFrame(corr_id));
    await ended;
    const pieces = events.filter((event) => event.type === 'output');
    expect(pieces.map(({ stream }) => stream)).toEqual(['stdout', 'stderr', 'stdout']);
  });

  test('keeps no more output of a running command than it should, and none once it is over', async () => {
    const agent = await agents.connect(web1);
    const job = await create({ work, devices: ['web1'] });
    const { corr_id } = await agent.nextCommand();
    for (let seq = 0; seq < 50; seq++) output(agent, corr_id, seq, String(seq % 10).repeat(30_000));
    await agent.settled();
    const late = watch(job.id);
    await until(() => late.events.length > 1);
    const kept = late.events.flatMap((event) => (event.type === 'output' ? [event.data.length] : []));
    expect(kept.reduce((sum, length) => sum + length, 0)).toBeLessThanOrEqual(1_048_576);
    late.stop.abort();
    await late.ended;
    agent.send(agent.resultFrame(corr_id));
    await agents.finished(job.id);
    expect(await watch(job.id).ended).toHaveLength(2);
  });

  test('reads output no faster than it may come, and loses none of it', async () => {
    const agent = await agents.connect(web1);
    const job = await create({ work, devices: ['web1'] });
    const { corr_id } = await agent.nextCommand();
    let characters = 0;
    const { ended, events } = watch(job.id, (event) => {
      if (event.type === 'output') characters += event.data.length;
    });
    await until(() => events.length > 0);
    const pause = vi.spyOn(agents.channels.get(web1.guid, 'system')!, 'pause');
    const count = 160;
    for (let seq = 0; seq < count; seq++) output(agent, corr_id, seq, 'x'.repeat(65_536));
    // On a busy machine it goes on again before anybody looks.
    await until(() => pause.mock.calls.length > 0);
    agent.send(agent.resultFrame(corr_id));
    await ended;
    expect(characters).toBe(count * 65_536);
    expect(agents.channels.count).toBe(1);
  });

  test('of output that is nobody’s command is not told', async () => {
    const agent = await agents.connect(web1);
    const evil = await agents.connect(web2);
    const job = await create({ work, devices: ['web1'] });
    const { corr_id } = await agent.nextCommand();
    const { ended, events } = watch(job.id);
    await until(() => events.length > 0);
    output(evil, corr_id, 0, 'forged');
    await evil.settled();
    agent.send(agent.resultFrame(corr_id));
    await ended;
    expect(events.filter(({ type }) => type === 'output')).toEqual([]);
  });

  test('ends when the watcher leaves', async () => {
    const job = await create({ work, devices: ['web1'] });
    const { stop, ended, events } = watch(job.id);
    await until(() => events.length > 0);
    stop.abort();
    expect(await ended).toHaveLength(1);
  });

  test('of no job is refused', async () => {
    await expect(watch('none').ended).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
  });
});
