/** Made-up machines that look like real ones on the wire: the size of what they send is what counts. */
import type { Inventory } from '../../src/protocol/device.ts';
import type { TelemetrySample } from '../../src/protocol/telemetry.ts';
import { nameOf } from './rows.ts';

export const sampleOf = (index: number): TelemetrySample => {
  const now = Date.now();
  const wave = (now / 1_000 + index * 7.3) % 100;
  return {
    at: new Date(now).toISOString(),
    cpu_percent: Math.round(wave * 10) / 10,
    load_1m: Math.round(wave * 2) / 100,
    memory_used_bytes: 2_000_000_000 + Math.round(wave * 1e6),
    memory_total_bytes: 8_200_000_000,
    swap_used_bytes: 0,
    disk_used_bytes: 41_000_000_000 + index,
    disk_total_bytes: 105_000_000_000,
    network_rx_bytes_per_s: Math.round(wave * 1e4),
    network_tx_bytes_per_s: Math.round(wave * 3e3),
    uptime_seconds: 86_400 + index,
    processes: 180 + (index % 60),
  };
};

const inventories = new Map<number, Inventory>();

/** The same object as long as nothing changes, as the agent's own source has it. */
export const inventoryOf = (index: number): Inventory => {
  const found = inventories.get(index);
  if (found) return found;
  const made: Inventory = {
    collected_at: new Date().toISOString(),
    system: { manufacturer: 'QEMU', model: 'Standard PC', serial: `S${index}`, virtual: true },
    os: {
      platform: 'linux',
      distribution: 'Debian GNU/Linux',
      release: '13',
      kernel: '6.12.41+deb13-amd64',
      hostname: nameOf(index),
      timezone: 'Etc/UTC',
    },
    cpu: { model: 'AMD EPYC 9B14', cores: 2, physical_cores: 2, speed_mhz: 2600 },
    memory_bytes: 8_200_000_000,
    disks: [{ device: '/dev/vda1', mount: '/', type: 'ext4', size_bytes: 105_000_000_000 }],
    interfaces: [
      { name: 'lo', mac: null, addresses: ['127.0.0.1', '::1'] },
      { name: 'eth0', mac: '52:54:00:12:34:56', addresses: [`10.0.${index >> 8}.${index & 255}`] },
    ],
    routes: [],
    interpreters: [
      { language: 'shell', path: '/bin/sh', version: null },
      { language: 'python', path: '/usr/bin/python3', version: '3.13.5' },
    ],
    verbs: ['run_command', 'run_script', 'get_system_health', 'get_service_status', 'get_monitoring_data'],
  };
  inventories.set(index, made);
  return made;
};
