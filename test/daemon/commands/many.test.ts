import { afterEach, beforeEach, expect, test } from 'vitest';
import { jobOperations } from '../../../src/protocol/job.ts';
import { TestAgents } from '../agents.ts';

const COUNT = 150;
let agents: TestAgents;
beforeEach(async () => {
  agents = await (await TestAgents.open()).start();
});
afterEach(() => agents.close());

const createForAll = () =>
  agents.commands.operations['job.create'](
    jobOperations['job.create'].input.parse({ work: { kind: 'command', argv: ['true'] }, all: true }),
    agents.call('job.create'),
  );

test('a job of many devices is told once, and followed by watching it', async () => {
  const devices = await Promise.all(Array.from({ length: COUNT }, (_, n) => agents.enrol(`d${n}`)));
  const fleet = await Promise.all(devices.map((device) => agents.connect(device)));
  const job = await createForAll();
  expect(job.targets).toHaveLength(COUNT);
  const final = new Set<string>();
  const watching = (async () => {
    for await (const event of agents.commands.operations['job.watch'](
      { job: job.id },
      agents.call('job.watch'),
    )) {
      if (event.type === 'target' && event.target.state === 'succeeded') final.add(event.target.stdout);
      if (event.type === 'job') return event.job;
    }
    return undefined;
  })();
  await Promise.all(fleet.map((agent) => agent.obey({ stdout: agent.device.name })));
  expect(await watching).toMatchObject({ state: 'succeeded', counts: { succeeded: COUNT } });
  expect(final).toEqual(new Set(devices.map(({ name }) => name)));
  expect(agents.told.filter(({ type }) => type === 'job.finished')).toHaveLength(1);
  expect(agents.told.filter(({ type }) => type === 'job.target')).toEqual([]);
  const shown = await agents.show(job.id);
  expect(shown.targets.every(({ device, stdout }) => device === stdout)).toBe(true);
});

test('many devices that come back at once all get what waited for them', async () => {
  const devices = await Promise.all(Array.from({ length: COUNT }, (_, n) => agents.enrol(`d${n}`)));
  const jobs = [await createForAll(), await createForAll(), await createForAll()];
  await Promise.all(
    devices.map(async (device) => {
      const agent = await agents.connect(device);
      const seen = [await agent.obey(), await agent.obey(), await agent.obey()];
      expect(seen.map(({ policy_id }) => policy_id).toSorted()).toEqual(jobs.map(({ id }) => id).toSorted());
    }),
  );
  for (const job of jobs) expect(await agents.finished(job.id)).toMatchObject({ state: 'succeeded' });
  expect(agents.told.filter(({ type }) => type === 'device.online')).toHaveLength(COUNT);
});
