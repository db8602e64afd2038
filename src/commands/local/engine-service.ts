/** An engine that the service manager runs is stopped and started by it alone: otherwise it would bring it back. */
import { BorealisError } from '../../protocol/errors.ts';
import { runCommand, runOrFail } from '../../sys/command.ts';
import { systemServices } from '../../sys/service.ts';

/** The unit of the engine whose state this is; null where it is no service. */
export const serviceUnit = async (state: string): Promise<string | null> => {
  if (process.platform !== 'linux') return null;
  const status = await systemServices().status('engine');
  return status.installed && status.state_directory === state ? status.unit : null;
};

/** Errors: NEEDS_ROOT, COMMAND_FAILED. */
export const controlService = async (verb: 'start' | 'stop' | 'restart', unit: string): Promise<void> => {
  if (process.getuid?.() !== 0) {
    throw new BorealisError('NEEDS_ROOT', {
      detail: `The engine is the service ${unit}.`,
      next: `Run: sudo systemctl ${verb} ${unit}`,
    });
  }
  await runOrFail(runCommand, 'systemctl', [verb, unit], { timeoutMs: 120_000 });
};
