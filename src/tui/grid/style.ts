/** How a cell looks, as one number: a role for its letters, one for what is behind them, and attributes. */

/** What colours mean. The theme says which they are; no screen names a colour. */
export const ROLES = [
  'text',
  'muted',
  'faint',
  'accent',
  'good',
  'warn',
  'bad',
  'info',
  'special',
  'onAccent',
  'page',
  'bar',
  'selected',
  'accentFill',
  'badFill',
  'warnFill',
  'black',
  'white',
] as const;
export type Role = (typeof ROLES)[number];

const NUMBER = Object.fromEntries(ROLES.map((role, index) => [role, index])) as Record<Role, number>;
const BITS = 6;
const MASK = (1 << BITS) - 1;

export const BOLD = 1 << (2 * BITS);
export const UNDERLINE = 2 << (2 * BITS);
export const DIM = 4 << (2 * BITS);
const ATTRIBUTES = BOLD | UNDERLINE | DIM;

export type Style = number;

/** `page` behind means: whatever the terminal has there. */
export const style = (fore: Role = 'text', back: Role = 'page', attributes = 0): Style =>
  NUMBER[fore] | (NUMBER[back] << BITS) | attributes;

export const PLAIN: Style = style();

/** What is exact stays so (src/tui/grid/exact.ts). */
export const withBack = (of: Style, back: Role): Style =>
  of >> 24 ? of : (of & ~(MASK << BITS)) | (NUMBER[back] << BITS);
export const foreOf = (of: Style): Role => ROLES[of & MASK] ?? 'text';
export const backOf = (of: Style): Role => ROLES[(of >> BITS) & MASK] ?? 'page';
export const attributesOf = (of: Style): number => of & ATTRIBUTES;

/** The same meaning everywhere: the roles of states, of devices, jobs, approvals, codes, checks. */
const STATES: Readonly<Record<string, Role>> = {
  online: 'good',
  succeeded: 'good',
  active: 'good',
  approved: 'good',
  completed: 'good',
  complete: 'good',
  up: 'good',
  ok: 'good',
  connected: 'good',
  new: 'accent',
  idle: 'muted',
  disabled: 'warn',
  running: 'accent',
  recording: 'accent',
  connecting: 'warn',
  waiting: 'warn',
  pending: 'warn',
  queued: 'warn',
  warn: 'warn',
  unreachable: 'warn',
  cut_off: 'warn',
  quarantined: 'special',
  cancelled: 'special',
  failed: 'bad',
  fail: 'bad',
  timed_out: 'bad',
  revoked: 'bad',
  denied: 'bad',
  error: 'bad',
  offline: 'muted',
  expired: 'muted',
  used_up: 'muted',
  skipped: 'muted',
  down: 'muted',
  ended: 'muted',
};
export const stateRole = (state: string): Role => STATES[state] ?? 'text';

/** So that a state is told without colours too. */
const MARKS: Readonly<Record<string, string>> = {
  online: '●',
  up: '●',
  running: '▶',
  recording: '●',
  succeeded: '✓',
  approved: '✓',
  completed: '✓',
  complete: '✓',
  active: '●',
  ok: '✓',
  connected: '●',
  new: '◌',
  idle: '○',
  disabled: '⊘',
  expired: '✗',
  offline: '○',
  down: '○',
  ended: '■',
  pending: '◌',
  waiting: '◌',
  queued: '◌',
  connecting: '◌',
  quarantined: '⊘',
  cancelled: '⊘',
  revoked: '✗',
  failed: '✗',
  fail: '✗',
  timed_out: '✗',
  denied: '✗',
  warn: '!',
};
export const stateMark = (state: string): string => MARKS[state] ?? '·';
