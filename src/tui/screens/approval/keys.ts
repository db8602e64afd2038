import type { Bindings } from '../../keys/binding.ts';

export const approvalKeys = {
  open: { keys: ['enter', 'a'], title: 'Decide: approve, merge, overwrite or deny', hint: 'decide' },
  deny: { keys: ['d'], title: 'Deny it', hint: 'deny' },
  decided: { keys: ['A'], title: 'Show those decided too, or only those that wait', hint: 'all' },
  code: { keys: ['n'], title: 'Make an enrolment code', hint: 'new code' },
} as const satisfies Bindings;
