import type { Bindings } from '../../keys/binding.ts';

export const jobListKeys = {
  open: { keys: ['enter'], title: 'Open the job with its output', hint: 'open' },
  cancel: { keys: ['c'], title: 'Cancel what has not finished', hint: 'cancel' },
  retry: { keys: ['R'], title: 'Run it again where it did not succeed', hint: 'retry' },
  run: { keys: ['n'], title: 'Run a command on the whole fleet, or on a tag or a site', hint: 'new' },
} as const satisfies Bindings;

export const jobKeys = {
  cancel: { keys: ['c'], title: 'Cancel what has not finished', hint: 'cancel' },
  retry: { keys: ['R'], title: 'Run it again where it did not succeed', hint: 'retry' },
  device: { keys: ['enter'], title: 'Open the device', hint: 'device' },
  output: { keys: ['v'], title: 'Read the output alone', hint: 'output' },
  later: { keys: ['right', 'l'], title: 'Output further down' },
  earlier: { keys: ['left', 'h'], title: 'Output further up' },
} as const satisfies Bindings;
