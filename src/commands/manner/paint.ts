/** Colours, sparingly: a state, a heading, what matters less. */

const CODES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  magenta: [35, 39],
  cyan: [36, 39],
} as const;

export type Colour = keyof typeof CODES;
export type Painter = (colour: Colour | undefined, text: string) => string;

export const painter =
  (enabled: boolean): Painter =>
  (colour, text) => {
    if (!enabled || colour === undefined || text === '') return text;
    const [on, off] = CODES[colour];
    return `\u001b[${on}m${text}\u001b[${off}m`;
  };

const STATES: Readonly<Record<string, Colour>> = {
  online: 'green',
  succeeded: 'green',
  active: 'green',
  approved: 'green',
  completed: 'green',
  ok: 'green',
  running: 'cyan',
  waiting: 'yellow',
  pending: 'yellow',
  queued: 'yellow',
  warn: 'yellow',
  quarantined: 'magenta',
  cancelled: 'magenta',
  failed: 'red',
  fail: 'red',
  timed_out: 'red',
  revoked: 'red',
  denied: 'red',
  error: 'red',
  fatal: 'red',
  offline: 'dim',
  expired: 'dim',
  used_up: 'dim',
  skipped: 'dim',
};

/** One meaning, one colour, wherever a state is shown. */
export const stateColour = (state: string): Colour | undefined => STATES[state];
