/**
 * Variables that look like ours and are none: a mistyped setting would otherwise be left out without a word. They are
 * told, not refused: an environment is handed down, and what another program of that name meant by it is not ours to say.
 */
import type { Problem } from './file.ts';
import { editDistance, environmentName, SETTING_KEYS } from './settings.ts';

const PREFIX = 'BOREALIS_';
/** Of the agent's, its own check (src/agent/config.ts); of tests, nobody's. */
const NOT_OURS = /^BOREALIS_(AGENT|TEST)_/;
/** Read by our programs, and no settings: where things are, how they are told, what one hands to the other. */
const OTHERS = [
  'BOREALIS_ASKED_BY_DASHBOARD',
  'BOREALIS_BACKGROUND',
  'BOREALIS_CHECK_OUTPUT',
  'BOREALIS_CONFIG',
  'BOREALIS_DEBUG',
  'BOREALIS_HOST',
  'BOREALIS_MASTER_KEY_FILE',
  'BOREALIS_PASSPHRASE_FILE',
  'BOREALIS_STATE',
];
/** Of children: what a hook is told (docs/ha-hook.md), and wireguard-go of its interface. */
const TOLD = ['BOREALIS_DEVICE', 'BOREALIS_NODE', 'BOREALIS_OTHER', 'BOREALIS_VPN', 'BOREALIS_WG_INTERFACE'];

type Environment = Readonly<Record<string, string | undefined>>;

/** Of the engine: each variable that no program of ours reads, with the one that was probably meant. */
export const unknownVariables = (env: Environment): Problem[] => {
  const known = [...SETTING_KEYS.map(environmentName), ...OTHERS];
  return strangers(env, PREFIX, known).filter(
    ({ key }) => key !== null && !NOT_OURS.test(key) && !TOLD.includes(key),
  );
};

/** Variables that begin with `prefix` and are not `known`, in the order of the alphabet. */
export const strangers = (env: Environment, prefix: string, known: readonly string[]): Problem[] =>
  Object.keys(env)
    .filter((name) => name.startsWith(prefix) && !known.includes(name))
    .sort()
    .map((name) => ({
      line: null,
      key: name,
      message: 'there is no such variable, so it is left out',
      nearest: nearestName(name, prefix, known) ?? null,
    }));

/** That differs in the fewest letters; `LISTN_PORT` also stands for `LISTN`, and `LISTEN` is what was meant. */
const nearestName = (typed: string, prefix: string, known: readonly string[]): string | undefined => {
  let rest = typed.slice(prefix.length);
  for (;;) {
    const ranked = known
      .map((name) => ({ name, distance: editDistance(rest, name.slice(prefix.length)) }))
      .sort((a, b) => a.distance - b.distance);
    const best = ranked[0];
    if (best && best.distance <= Math.max(1, Math.floor(rest.length / 3))) return best.name;
    const cut = rest.lastIndexOf('_');
    if (cut <= 0) return undefined;
    rest = rest.slice(0, cut);
  }
};
