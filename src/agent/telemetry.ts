/** One measurement of this machine for each call; rates since the call before. */
import { loadavg, uptime } from 'node:os';
import type { Systeminformation } from 'systeminformation';
import type { TelemetrySample } from '../protocol/telemetry.ts';
import type { Clock } from '../sys/clock.ts';
import {
  type CpuTimes,
  countProcesses,
  cpuPercent,
  diskUse,
  readCpu,
  readMounts,
  readTraffic,
  type Traffic,
} from './proc.linux.ts';

export interface TelemetrySource {
  sample(): Promise<TelemetrySample>;
}

/**
 * By systeminformation. On Linux the processor, the disks and the traffic are read from /proc instead: for them the library starts
 * programs at each look and waits for one of them with the whole process, counts waiting for a disk as work, and its `df` never
 * comes back where a file server is gone.
 */
export const createTelemetry = (clock: Clock): TelemetrySource =>
  process.platform === 'linux' ? new LinuxTelemetry(clock) : new PortableTelemetry(clock);

interface Reading {
  readonly at: number;
  readonly cpu: CpuTimes;
  readonly traffic: Traffic;
}

class LinuxTelemetry implements TelemetrySource {
  readonly #clock: Clock;
  #before: Reading | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async sample(): Promise<TelemetrySample> {
    const si = await import('systeminformation');
    const [cpu, traffic, memory, disks, processes] = await Promise.all([
      readCpu(),
      readTraffic(),
      si.mem(),
      readMounts().then(diskUse),
      countProcesses(),
    ]);
    const now: Reading = { at: this.#clock.monotonic(), cpu, traffic };
    const before = this.#before;
    this.#before = now;
    return {
      at: new Date(this.#clock.now()).toISOString(),
      // The first time: the average since boot, which the counters hold.
      cpu_percent: rounded(cpuPercent(before?.cpu ?? { total: 0, idle: 0 }, cpu)),
      load_1m: loadavg()[0] ?? null,
      ...memoryUse(memory),
      disk_used_bytes: sum(disks.map(({ usedBytes }) => usedBytes)),
      disk_total_bytes: sum(disks.map(({ totalBytes }) => totalBytes)),
      network_rx_bytes_per_s: rate(before, now, ({ rxBytes }) => rxBytes),
      network_tx_bytes_per_s: rate(before, now, ({ txBytes }) => txBytes),
      uptime_seconds: uptime(),
      processes,
    };
  }
}

class PortableTelemetry implements TelemetrySource {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async sample(): Promise<TelemetrySample> {
    const si = await import('systeminformation');
    const [load, memory, disks, network] = await Promise.all([
      si.currentLoad(),
      si.mem(),
      si.fsSize(),
      si.networkStats(),
    ]);
    return {
      at: new Date(this.#clock.now()).toISOString(),
      cpu_percent: rounded(Math.min(100, Math.max(0, load.currentLoad))),
      load_1m: load.avgLoad ?? null,
      ...memoryUse(memory),
      disk_used_bytes: Math.round(sum(disks.map(({ used }) => used))),
      disk_total_bytes: Math.round(sum(disks.map(({ size }) => size))),
      network_rx_bytes_per_s: positive(sum(network.map(({ rx_sec }) => rx_sec ?? 0))),
      network_tx_bytes_per_s: positive(sum(network.map(({ tx_sec }) => tx_sec ?? 0))),
      uptime_seconds: uptime(),
      processes: null,
    };
  }
}

/** Used is what programs cannot have without swapping (proc(5): total less MemAvailable). */
const memoryUse = ({ active, total, swapused }: Systeminformation.MemData) => ({
  memory_used_bytes: Math.round(active),
  memory_total_bytes: Math.round(total),
  swap_used_bytes: Math.round(swapused),
});

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
const rounded = (number: number): number => Math.round(number * 100) / 100;
const positive = (number: number): number => Math.max(0, rounded(number));

/** Bytes a second; null the first time, and when a counter went back (an interface was replaced). */
function rate(before: Reading | undefined, now: Reading, of: (traffic: Traffic) => number): number | null {
  const seconds = before ? (now.at - before.at) / 1_000 : 0;
  const bytes = before ? of(now.traffic) - of(before.traffic) : -1;
  return seconds > 0 && bytes >= 0 ? rounded(bytes / seconds) : null;
}
