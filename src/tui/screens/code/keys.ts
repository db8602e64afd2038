import type { Bindings } from '../../keys/binding.ts';

export const codeKeys = {
  add: { keys: ['n'], title: 'Make an enrolment code', hint: 'new' },
  revoke: { keys: ['d', 'delete'], title: 'Revoke it', hint: 'revoke' },
} as const satisfies Bindings;
