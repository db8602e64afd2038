import { existsSync } from 'node:fs';
import { loadavg, uptime } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { z } from 'zod';
import { getSystemHealthArgs, type systemHealth } from '../../protocol/verb.ts';
import { runCommand } from '../../sys/command.ts';
import { cpuPercent, diskUse, readCpu, readMounts } from '../proc.linux.ts';
import { defineVerb, type VerbContext } from './verb.ts';

const MEASURE_MS = 250;
/** Debian's packages touch it when a new kernel or library waits for a restart (deb-postinst of update-notifier, needrestart). */
const REBOOT_REQUIRED = ['/run/reboot-required', '/var/run/reboot-required'];

/** Whether the machine is well, at a glance. */
export const getSystemHealth = defineVerb({
  name: 'get_system_health',
  args: getSystemHealthArgs,
  async run(_, context) {
    const si = await import('systeminformation');
    const before = await readCpu();
    await delay(MEASURE_MS, undefined, { signal: context.signal });
    const [after, memory, disks, failed] = await Promise.all([
      readCpu(),
      si.mem(),
      readMounts().then(diskUse),
      failedServices(context),
    ]);
    const value: z.infer<typeof systemHealth> = {
      uptime_seconds: uptime(),
      load: loadavg(),
      cpu_percent: percent(cpuPercent(before, after)),
      memory_used_percent: percent((100 * memory.active) / memory.total),
      disks: disks.map(({ mount, usedBytes, totalBytes, freeBytes }) => ({
        mount,
        used_percent: percent((100 * usedBytes) / totalBytes),
        free_bytes: freeBytes,
      })),
      failed_services: failed,
      reboot_required: existsSync('/etc/debian_version')
        ? REBOOT_REQUIRED.some((file) => existsSync(file))
        : null,
    };
    return { exitCode: null, value };
  },
});

const percent = (number: number): number => Math.round(number * 10) / 10;

/** Names of failed units; null where no systemd runs. */
async function failedServices({ signal, timeoutMs, environment }: VerbContext): Promise<string[] | null> {
  if (!existsSync('/run/systemd/system')) return null;
  const { exitCode, stdout } = await runCommand(
    'systemctl',
    ['list-units', '--failed', '--plain', '--no-legend', '--no-pager'],
    { timeoutMs, signal, env: environment },
  );
  if (exitCode !== 0) return null;
  return stdout.split('\n').flatMap((line) => line.trim().split(/\s+/)[0] || []);
}
