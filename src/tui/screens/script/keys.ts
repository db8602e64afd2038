import type { Bindings } from '../../keys/binding.ts';

export const scriptKeys = {
  open: { keys: ['enter', 'v'], title: 'Read it', hint: 'read' },
  run: { keys: ['r'], title: 'Run it on devices', hint: 'run' },
  add: { keys: ['n'], title: 'Store a script from a file', hint: 'add' },
  remove: { keys: ['d', 'delete'], title: 'Forget it', hint: 'remove' },
} as const satisfies Bindings;
