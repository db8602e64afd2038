import type { Systeminformation } from 'systeminformation';
import type { z } from 'zod';
import { getMonitoringDataArgs } from '../../protocol/verb.ts';
import { defineVerb } from './verb.ts';

type Json = z.core.util.JSONType;
type Part = NonNullable<z.infer<typeof getMonitoringDataArgs>['parts']>[number];
type Library = typeof import('systeminformation');

const ALL: readonly Part[] = ['cpu', 'memory', 'disks', 'network', 'processes'];

/** A closer look than telemetry gives, when somebody asks for it. */
export const getMonitoringData = defineVerb({
  name: 'get_monitoring_data',
  args: getMonitoringDataArgs,
  async run({ parts = [...ALL], top }) {
    const si = await import('systeminformation');
    const read = await Promise.all(parts.map(async (part) => [part, await READERS[part](si, top)] as const));
    return { exitCode: null, value: Object.fromEntries(read) };
  },
});

const READERS: Readonly<Record<Part, (si: Library, top: number) => Promise<Json>>> = {
  async cpu(si) {
    const load = await si.currentLoad();
    return {
      percent: rounded(load.currentLoad),
      user_percent: rounded(load.currentLoadUser),
      system_percent: rounded(load.currentLoadSystem),
      load_1m: load.avgLoad,
      cores: load.cpus.map(({ load: percent }) => rounded(percent)),
    };
  },
  async memory(si) {
    const { total, used, active, available, buffcache, swaptotal, swapused } = await si.mem();
    return {
      total_bytes: total,
      used_bytes: used,
      active_bytes: active,
      available_bytes: available,
      cache_bytes: buffcache,
      swap_total_bytes: swaptotal,
      swap_used_bytes: swapused,
    };
  },
  async disks(si) {
    return (await si.fsSize()).map(({ fs, type, mount, size, used, available }) => ({
      device: fs,
      type,
      mount,
      size_bytes: size,
      used_bytes: used,
      available_bytes: available,
    }));
  },
  async network(si) {
    return (await si.networkStats('*')).map((stats) => ({
      name: stats.iface,
      state: stats.operstate,
      rx_bytes: stats.rx_bytes,
      tx_bytes: stats.tx_bytes,
      rx_errors: stats.rx_errors,
      tx_errors: stats.tx_errors,
      rx_dropped: stats.rx_dropped,
      tx_dropped: stats.tx_dropped,
    }));
  },
  async processes(si, top) {
    const { all, running, blocked, sleeping, list } = await si.processes();
    const busiest = list.toSorted((a, b) => b.cpu - a.cpu || b.memRss - a.memRss).slice(0, top);
    return { all, running, blocked, sleeping, list: busiest.map(processRow) };
  },
};

const processRow = (row: Systeminformation.ProcessesProcessData): Json => ({
  pid: row.pid,
  parent_pid: row.parentPid,
  name: row.name,
  user: row.user,
  state: row.state,
  cpu_percent: rounded(row.cpu),
  memory_percent: rounded(row.mem),
  /** systeminformation tells kibibytes. */
  memory_bytes: row.memRss * 1_024,
  started: row.started,
});

const rounded = (number: number): number => Math.round(number * 100) / 100;
