/** What agents and jobs ask of the store is answered from indexes, however much it holds. */
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { scriptOperations as handlersOf } from '../../src/daemon/scripts/operations.ts';
import { CLOSE } from '../../src/protocol/frame.ts';
import { jobOperations } from '../../src/protocol/job.ts';
import type { InputOf } from '../../src/protocol/operations.ts';
import { RecordingStore } from '../store/recording.ts';
import { TestAgents, until } from './agents.ts';

let agents: TestAgents;
let recording: RecordingStore;
beforeEach(async () => {
  agents = await TestAgents.open(undefined, (store) => {
    recording = new RecordingStore(store);
    return recording;
  });
  await agents.start();
});
afterEach(() => agents.close());

const create = (input: InputOf<'job.create'>) =>
  agents.commands.operations['job.create'](
    jobOperations['job.create'].input.parse(input),
    agents.call('job.create'),
  );

test('no query of jobs, channels, scripts, telemetry or inventory reads a whole table', async () => {
  const { store, events, clock, keys, commands, telemetry } = agents;
  const scripts = handlersOf({ store, events, clock, keys });
  const web1 = await agents.enrol('web1');
  await agents.enrol('web2');
  const work = { kind: 'command' as const, argv: ['true'] };
  const agent = await agents.connect(web1);
  await scripts['script.add'](
    { name: 'x', language: 'shell', body: 'x', replace: false },
    agents.call('script.add'),
  );
  const byScript = await create({ work: { kind: 'script', script: 'x' }, devices: ['web1'] });
  await agent.obey({ state: 'failed' });
  await agents.finished(byScript.id);
  await commands.operations['job.retry']({ job: byScript.id, all: false }, agents.call('job.retry'));
  const { corr_id } = await agent.nextCommand();
  agent.send({ type: 'ACCEPTED', corr_id });
  const job = await create({
    work,
    tags: { role: 'web' },
    site: 'berlin',
    devices: [web1.guid.slice(0, 12)],
  });
  await commands.operations['job.cancel']({ job: job.id }, agents.call('job.cancel'));
  const stop = new AbortController();
  const watching = commands.operations['job.watch']({ job: byScript.id }, agents.call('job.watch'));
  for await (const event of watching) expect(event).toBeDefined();
  for (const state of [undefined, 'queued' as const]) {
    const page = { limit: 1, state, targets: true };
    const first = await commands.operations['job.list'](page, agents.call('job.list'));
    const cursor = first.next_cursor ?? undefined;
    await commands.operations['job.list']({ ...page, cursor }, agents.call('job.list'));
  }
  const old = await create({ work, devices: ['web2'], ttl: 1 });
  agents.clock.advance(2_000);
  await agents.finished(old.id);
  const at = new Date(agents.clock.now()).toISOString();
  agent.send({
    type: 'TELEMETRY',
    sample: {
      at,
      cpu_percent: 1,
      load_1m: null,
      memory_used_bytes: 1,
      memory_total_bytes: 1,
      swap_used_bytes: null,
      disk_used_bytes: null,
      disk_total_bytes: null,
      network_rx_bytes_per_s: null,
      network_tx_bytes_per_s: null,
      uptime_seconds: 1,
      processes: null,
    },
  });
  await until(async () => {
    const shown = await telemetry.operations['telemetry.show'](
      { device: 'web1', points: 5 },
      agents.call('telemetry.show'),
    );
    return shown.length > 0;
  });
  await telemetry.operations['telemetry.show']({ device: 'web1', points: 0 }, agents.call('telemetry.show'));
  agent.socket.close(CLOSE.clean);
  await agents.event('device.offline');
  stop.abort();

  expect(recording.queries).toBeGreaterThan(40);
  const costly = recording.costly(join(agents.directory, 'borealis.db')).filter(({ query }) => {
    // All scripts, all devices: that is what was asked for.
    return !/from "script" order by "name"$/.test(query);
  });
  expect(costly).toEqual([]);
});
