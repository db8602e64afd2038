/** iperf3 between two machines of the lab. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Host } from '../../test/lab/host.ts';
import { cpuMs } from '../processes.ts';

export const IPERF_PORT = 5_201;
const ATTEMPTS = 5;

/** Lives as long as the machine. */
export const serveIperf = async (host: Host): Promise<void> => {
  const [file, ...args] = host.argv('iperf3', '--server');
  spawn(file, args, { stdio: 'ignore' });
  while (!host.run('ss', '-Hltn', 'sport', '=', `:${IPERF_PORT}`).includes(`:${IPERF_PORT}`)) await sleep(20);
};

export interface Flow {
  /** Megabytes that arrived in a second. */
  readonly rate: number;
  /** Seconds of the processor that each of the processes took for a gigabyte. */
  readonly cpu: readonly number[];
}

export interface FlowOptions {
  readonly from: Host;
  readonly to: { readonly address: string; readonly port: number };
  readonly seconds: number;
  /** The other way: from the server to us. */
  readonly reverse?: boolean;
  /** Whose processor time is counted. */
  readonly pids?: readonly number[];
}

interface Report {
  readonly error?: string;
  readonly end: { readonly sum_received: { readonly bytes: number; readonly bits_per_second: number } };
}

export const flow = async ({ from, to, seconds, reverse, pids = [] }: FlowOptions): Promise<Flow> => {
  const words = ['--client', to.address, '--port', String(to.port), '--time', String(seconds), '--json'];
  const [file, ...args] = from.argv('iperf3', ...words, ...(reverse ? ['--reverse'] : []));
  for (let attempt = 1; ; attempt += 1) {
    const before = pids.map(cpuMs);
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    for await (const text of child.stdout.setEncoding('utf8')) said += text;
    const report = JSON.parse(said) as Report;
    if (report.error === undefined) return asFlow(report, before, pids);
    // It takes one client at a time, and a while to be done with the last one.
    if (attempt === ATTEMPTS) throw new Error(`iperf3: ${report.error}`);
    await sleep(1_000);
  }
};

const asFlow = ({ end }: Report, before: readonly number[], pids: readonly number[]): Flow => {
  const { bytes, bits_per_second } = end.sum_received;
  const cpu = pids.map((pid, index) => (cpuMs(pid) - before[index]!) / 1_000 / (bytes / 1e9));
  return { rate: bits_per_second / 8e6, cpu };
};
