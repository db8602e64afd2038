/** The enrolled device at work: online, inventory, measurements, a signed script. */
import { hash } from 'node:crypto';
import type { Client } from '../../../client/client.ts';
import type { Device, Inventory } from '../../../protocol/device.ts';
import { BorealisError } from '../../../protocol/errors.ts';
import type { Job } from '../../../protocol/job.ts';
import type { TelemetrySample } from '../../../protocol/telemetry.ts';
import { bytes, percent, plural } from '../../manner/size.ts';
import { facts } from '../../manner/table.ts';
import { plainLines } from '../../manner/text.ts';
import { span } from '../../manner/time.ts';
import { type AgentPlace, agentStatus, startAgent } from '../agent-process.ts';
import { whenTold } from '../when.ts';
import type { Steps } from './steps.ts';

const ONLINE_MS = 60_000;
/** Agents measure each 30 seconds. */
const TELEMETRY_MS = 90_000;

/** Errors: whatever the agent ended with; TIMED_OUT. */
export const bringOnline = async (
  client: Client,
  device: Device,
  place: AgentPlace,
  steps: Steps,
): Promise<Device> => {
  steps.begin('Agent');
  const { pid } = await agentStatus(place);
  const agent = pid === null ? await startAgent(place) : undefined;
  let how: string | undefined;
  void agent?.ended.then((text) => {
    how = text;
  });
  if (agent) steps.say(`Started borealis-agent run in the background, process ${agent.pid}.`);
  else steps.there(`The agent runs already, process ${pid}.`);
  const online = await whenTold(client, ['device.online'], ONLINE_MS, async () => {
    if (agent && how !== undefined) throw agent.failure(how);
    const now = await client.call('device.show', { device: device.guid });
    return now.state === 'online' ? now : undefined;
  });
  agent?.release();
  if (online) {
    steps.say(`${online.name} is online.`);
    return online;
  }
  throw new BorealisError('TIMED_OUT', {
    detail: 'The agent runs, but has not come online.',
    next: `Ask it why: borealis-agent status --state ${place.state}`,
  });
};

export const showInventory = async (client: Client, device: Device, steps: Steps): Promise<Inventory> => {
  steps.begin('Inventory');
  const found = await whenTold(client, ['device.inventory'], ONLINE_MS, () =>
    client.call('device.inventory', { device: device.guid }).catch(unless('INVENTORY_UNKNOWN')),
  );
  if (!found) throw new BorealisError('INVENTORY_UNKNOWN');
  const { os, cpu, system, disks, interfaces, interpreters } = found;
  steps.lines(
    facts(
      [
        [
          'System',
          [
            [os.distribution ?? os.platform, os.release].filter(Boolean).join(' '),
            os.kernel && `kernel ${os.kernel}`,
          ]
            .filter(Boolean)
            .join(', '),
        ],
        ['Machine', [system.manufacturer, system.model].filter(Boolean).join(' ')],
        ['Processor', `${cpu.model ?? 'unknown'}, ${plural(cpu.cores, 'core')}`],
        ['Memory', bytes(found.memory_bytes)],
        [
          'Disks',
          disks
            .slice(0, 3)
            .map(({ mount, size_bytes }) => `${mount} ${bytes(size_bytes)}`)
            .join(', '),
        ],
        [
          'Addresses',
          interfaces
            .flatMap(({ addresses }) => addresses)
            .slice(0, 4)
            .join(', '),
        ],
        [
          'Runs',
          interpreters
            .map(({ language, version }) => (version ? `${language} ${version}` : language))
            .join(', '),
        ],
      ],
      steps.out.paint,
    ),
  );
  return found;
};

export const showTelemetry = async (
  client: Client,
  device: Device,
  steps: Steps,
): Promise<TelemetrySample> => {
  steps.begin('Telemetry');
  const last = async () => (await client.call('telemetry.show', { device: device.guid })).at(-1);
  const sample = (await last()) ?? (await firstSample(client, device, steps, last));
  const { cpu_percent, load_1m, memory_used_bytes: used, memory_total_bytes: total } = sample;
  const { disk_used_bytes: diskUsed, disk_total_bytes: diskTotal } = sample;
  steps.lines(
    facts(
      [
        ['Measured', steps.out.time(sample.at)],
        [
          'Processor',
          `${cpu_percent.toFixed(0)}% busy${load_1m === null ? '' : `, load ${load_1m.toFixed(2)}`}`,
        ],
        ['Memory', `${bytes(used)} of ${bytes(total)} used (${percent(used, total)})`],
        [
          'Disk',
          diskUsed === null || diskTotal === null
            ? null
            : `${bytes(diskUsed)} of ${bytes(diskTotal)} used (${percent(diskUsed, diskTotal)})`,
        ],
        ['Up', span(sample.uptime_seconds)],
      ],
      steps.out.paint,
    ),
  );
  return sample;
};

/** What arrives between the question and the stream is found by asking once more. */
const firstSample = async (
  client: Client,
  device: Device,
  steps: Steps,
  last: () => Promise<TelemetrySample | undefined>,
): Promise<TelemetrySample> => {
  steps.say('Waiting for the first measurement; agents send one each 30 seconds.');
  const over = AbortSignal.timeout(TELEMETRY_MS);
  for await (const { sample } of client.stream('telemetry.watch', { device: device.guid }, over))
    return sample;
  const late = await last();
  if (late) return late;
  throw new BorealisError('TIMED_OUT', { detail: `${device.name} has sent no measurement.` });
};

const SCRIPT = {
  name: 'quickstart-hello',
  language: 'shell' as const,
  description: 'Made by borealisctl quickstart.',
  body: `#!/bin/sh
echo "Hello from $(uname -n)."
echo "The engine signed this script; the agent checked that before it ran it."
echo "I am $(id -un), at $(date -u +%H:%M:%S) UTC, on $(uname -srm)."
df -h / | tail -n 1 | awk '{ print "The disk has " $4 " of " $2 " free." }'
`,
};

/** Errors: SOME_FAILED where the script did not succeed. */
export const runScript = async (client: Client, device: Device, steps: Steps): Promise<Job> => {
  steps.begin('A signed script');
  const known = (await client.call('script.list', {})).find(({ name }) => name === SCRIPT.name);
  if (known?.sha256 === hash('sha256', SCRIPT.body))
    steps.say(`The script ${SCRIPT.name} is stored and signed already.`);
  else {
    const added = await client.call('script.add', { ...SCRIPT, replace: known !== undefined });
    steps.say(`Stored and signed the script ${added.name}, SHA-256 ${added.sha256.slice(0, 16)}….`);
  }
  const work = { kind: 'script', script: SCRIPT.name } as const;
  const { id } = await client.call('job.create', { work, devices: [device.guid], ttl: 120 });
  steps.say(`Job ${id} runs it on ${device.name}:`);
  let seen = false;
  for await (const event of client.stream('job.watch', { job: id })) {
    if (event.type !== 'output') continue;
    steps.lines(outputLines(event.data, steps));
    seen = true;
  }
  const job = await client.call('job.show', { job: id });
  const target = job.targets[0];
  // It may have been over before anybody watched.
  if (!seen && target?.stdout) steps.lines(outputLines(target.stdout, steps));
  if (job.state !== 'succeeded') {
    throw new BorealisError('SOME_FAILED', {
      detail: `The script ended as ${job.state}${target?.error ? `: ${target.error}` : ''}.`,
      next: `See it with: borealisctl job show ${id}`,
    });
  }
  steps.say(`Done: exit code ${target?.exit_code}, ${target?.duration_ms} ms, signed by the agent.`);
  return job;
};

const outputLines = (data: string, { out }: Steps): string[] =>
  plainLines(data)
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => `${out.paint('dim', '│')} ${line}`);

const unless = (code: string) => (error: unknown) => {
  if (error instanceof BorealisError && error.code === code) return undefined;
  throw error;
};
