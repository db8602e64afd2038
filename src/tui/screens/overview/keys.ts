import type { Bindings } from '../../keys/binding.ts';

export const overviewKeys = {
  open: { keys: ['enter'], title: 'Go to what needs attention', hint: 'go' },
  code: { keys: ['n'], title: 'Make a code to enrol a new device', hint: 'enrol' },
  approvals: { keys: ['a'], title: 'See who waits for approval', hint: 'approvals' },
} as const satisfies Bindings;
