import type { Bindings } from '../../keys/binding.ts';

/** While keys go to the shell. */
export const typingKeys = {
  release: {
    keys: ['ctrl-]'],
    title: 'Back to the keys of the dashboard; the shells go on',
    hint: 'dashboard',
  },
} as const satisfies Bindings;

export const shellKeys = {
  type: { keys: ['enter', 'ctrl-]'], title: 'Type into the shell', hint: 'type' },
  other: { keys: ['tab', 'left', 'right'], title: 'To the other shell', hint: 'other' },
  full: { keys: ['f'], title: 'The shell in full screen', hint: 'full' },
  swap: { keys: ['x'], title: 'Let the two change places' },
  kill: { keys: ['d', 'delete'], title: 'End the shell and what runs in it', hint: 'end' },
} as const satisfies Bindings;
