import type { z } from 'zod';
import { BorealisError } from '../../protocol/errors.ts';
import { getServiceStatusArgs, type serviceStatus } from '../../protocol/verb.ts';
import { runCommand } from '../../sys/command.ts';
import { defineVerb } from './verb.ts';

const PROPERTIES = [
  'LoadState',
  'ActiveState',
  'SubState',
  'UnitFileState',
  'StateChangeTimestamp',
  'MainPID',
  'MemoryCurrent',
];

/** What systemd knows of a unit (systemctl(1), `show`). */
export const getServiceStatus = defineVerb({
  name: 'get_service_status',
  args: getServiceStatusArgs,
  async run({ service }, { signal, timeoutMs, environment }) {
    const { exitCode, stdout, stderr } = await runCommand(
      'systemctl',
      ['show', '--no-pager', '--timestamp=unix', `--property=${PROPERTIES.join(',')}`, '--', service],
      { timeoutMs, signal, env: environment },
    );
    if (exitCode !== 0)
      throw new BorealisError('EXEC_FAILED', { detail: `systemctl: ${stderr.trim().slice(0, 500)}` });
    return { exitCode: null, value: parseUnit(service, stdout) };
  },
});

/** From the `Key=value` lines of `systemctl show`. */
export function parseUnit(service: string, text: string): z.infer<typeof serviceStatus> {
  const found = new Map(
    text.split('\n').map((line) => {
      const equals = line.indexOf('=');
      return [line.slice(0, equals), line.slice(equals + 1)] as const;
    }),
  );
  const said = (key: string): string | null => found.get(key) || null;
  const positive = (key: string): number | null => {
    const number = Number(found.get(key));
    return Number.isSafeInteger(number) && number > 0 ? number : null;
  };
  return {
    service,
    exists: found.get('LoadState') !== 'not-found',
    active: said('ActiveState'),
    sub: said('SubState'),
    enabled: said('UnitFileState'),
    since: unixTime(said('StateChangeTimestamp')),
    pid: positive('MainPID'),
    memory_bytes: positive('MemoryCurrent'),
  };
}

/** `@1700000000`, as --timestamp=unix writes it. */
function unixTime(text: string | null): string | null {
  const seconds = /^@(\d{1,12})$/.exec(text ?? '')?.[1];
  return seconds ? new Date(Number(seconds) * 1_000).toISOString() : null;
}
