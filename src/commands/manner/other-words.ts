/** What other programs call the same: told to whoever types it, never taken for it. Loaded only when something is wrong. */

const VERBS: Readonly<Record<string, readonly string[]>> = {
  accept: ['approve'],
  add: ['create', 'grant'],
  close: ['disconnect', 'kill'],
  create: ['add', 'grant'],
  del: ['remove', 'delete', 'revoke'],
  delete: ['remove', 'revoke', 'kill'],
  down: ['disconnect', 'stop'],
  edit: ['change', 'set'],
  find: ['search'],
  get: ['show'],
  info: ['show'],
  ls: ['list'],
  modify: ['change', 'set'],
  new: ['create', 'add'],
  open: ['connect'],
  play: ['replay'],
  reject: ['deny'],
  remove: ['delete', 'revoke', 'kill'],
  rm: ['remove', 'delete', 'revoke'],
  set: ['change', 'grant'],
  start: ['connect', 'enable'],
  stop: ['disconnect', 'cancel', 'kill', 'disable'],
  tail: ['watch'],
  up: ['connect', 'start'],
  update: ['change', 'set'],
};

const NOUNS: Readonly<Record<string, readonly string[]>> = {
  agent: ['device list', 'code create'],
  copy: ['cp'],
  enrol: ['code create'],
  enroll: ['code create'],
  exec: ['run'],
  host: ['device list'],
  logs: ['log'],
  machine: ['device list'],
  metrics: ['telemetry'],
  node: ['device list'],
  peer: ['connection'],
  'port-forward': ['tunnel forward'],
  scp: ['cp'],
  server: ['device list'],
  ssh: ['shell'],
  token: ['code create'],
  top: ['dashboard'],
  tui: ['dashboard'],
  ui: ['dashboard'],
};

const entry = (words: Readonly<Record<string, readonly string[]>>, typed: string): readonly string[] =>
  Object.hasOwn(words, typed) ? words[typed]! : [];

/** Of `verbs`, those that are the typed one elsewhere. */
export const otherVerbs = (typed: string, verbs: readonly string[]): string[] =>
  entry(VERBS, typed).filter((verb) => verbs.includes(verb));

/** Commands, or nouns, that are the typed word elsewhere. */
export const otherNouns = (typed: string): readonly string[] => {
  const found = entry(NOUNS, typed);
  return found.length > 0 ? found : entry(NOUNS, typed.replace(/s$/, ''));
};
