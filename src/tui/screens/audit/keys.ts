import type { Bindings } from '../../keys/binding.ts';

export const auditKeys = {
  open: { keys: ['enter', 'v'], title: 'Show the whole record', hint: 'record' },
  verify: { keys: ['V'], title: 'Check the whole chain', hint: 'verify' },
} as const satisfies Bindings;
