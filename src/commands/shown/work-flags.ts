/** The flags of whatever runs on devices: `run`, `script run`. */
import { boolean } from '@oclif/core/flags';
import type { AgentContext } from '../../protocol/scalars.ts';
import { contextFlag, durationFlag, readSelection, selectionFlags } from '../manner/flags.ts';

export const workFlags = {
  ...selectionFlags,
  context: contextFlag,
  timeout: durationFlag({ summary: 'How long it may run on a device; 45s unless told.' }),
  ttl: durationFlag({ summary: 'How long it waits for a device that is offline; 1h unless told.' }),
  detach: boolean({ char: 'd', summary: 'Only start it, and print the id of the job.' }),
};

interface WorkGiven {
  readonly tag?: readonly string[] | undefined;
  readonly site?: string | undefined;
  readonly all?: boolean;
  readonly context?: AgentContext | undefined;
  readonly timeout?: number | undefined;
  readonly ttl?: number | undefined;
}

/** As job.create wants it, without the work. Errors: NO_TARGETS. */
export const readWork = (devices: readonly string[], given: WorkGiven) => ({
  ...readSelection(devices, given),
  ...(given.context && { context: given.context }),
  ...(given.timeout !== undefined && { timeout: given.timeout }),
  ...(given.ttl !== undefined && { ttl: given.ttl }),
});
