/** Who serves the device: a process now, a unit at the next boot. */
import type { Check } from '../../protocol/engine.ts';
import { BorealisError } from '../../protocol/errors.ts';
import { found, ok, skipped } from '../../sys/doctor/check.ts';
import { lockHolder } from '../../sys/lock.ts';
import type { ServiceStatus } from '../../sys/service.ts';
import { type ContextPaths, LOCK_NAME } from '../state.ts';
import { readStatus } from '../status-file.ts';

/** Whether a process has the state, and what it says of its link. `pid` null: nobody. */
export const processCheck = async (
  paths: ContextPaths,
  state: string,
): Promise<{ readonly check: Check; readonly pid: number | null }> => {
  const pid = lockHolder(paths.directory, LOCK_NAME);
  const written = await readStatus(paths.status);
  if (pid === null) {
    const remedy = `Start it: systemctl start borealis-agent, or borealis-agent run --state ${state}`;
    return { pid, check: found('fail', 'process', 'No process serves this device.', remedy) };
  }
  const live = written?.pid === pid ? written : null;
  const who = `Process ${pid} serves this device`;
  if (live?.state === 'online')
    return { pid, check: ok('process', `${who} and is online since ${live.since}.`) };
  const error = live?.last_error;
  if (!error) return { pid, check: found('warn', 'process', `${who}; it is not online yet.`, LOOK_AGAIN) };
  return {
    pid,
    check: found('fail', 'process', `${who}, but is not online: ${error.message}`, error.next),
  };
};

const LOOK_AGAIN = 'Look again in a moment: borealis-agent status';

/** `read` gives what systemd says of the unit; it is asked only where systemd runs. */
export const serviceCheck = async (state: string, read: () => Promise<ServiceStatus>): Promise<Check> => {
  let status: ServiceStatus;
  try {
    status = await read();
  } catch (error) {
    if (!(error instanceof BorealisError)) throw error;
    return skipped('service', `The service cannot be looked at: ${error.message}`);
  }
  const { unit, installed, enabled, active, state: now, restarts, state_directory: its } = status;
  const install = 'As root: borealisctl service install --agent';
  if (!installed) return found('warn', 'service', 'No service starts the agent at the next boot.', install);
  if (its !== null && its !== state)
    return skipped('service', `${unit} serves another state directory, ${its}.`);
  if (!enabled)
    return found('warn', 'service', `${unit} does not start at boot.`, `systemctl enable ${unit}`);
  if (!active)
    return found(
      'fail',
      'service',
      `${unit} is ${now}.`,
      `journalctl -u ${unit}; then: systemctl start ${unit}`,
    );
  const again =
    restarts > 0 ? `; systemd brought it back ${restarts === 1 ? 'once' : `${restarts} times`}` : '';
  return ok('service', `${unit} is ${now} and starts at boot${again}.`);
};
