/** Which command a command line means. */

export type Meant =
  | { readonly kind: 'command'; readonly id: string; readonly argv: string[] }
  /** A noun alone, or nothing at all: what there is, is shown. */
  | { readonly kind: 'overview'; readonly noun: string | undefined }
  /** `devices`, and no verb: most likely the list of them. `rest`: what follows. */
  | {
      readonly kind: 'plural';
      readonly typed: string;
      readonly noun: string;
      readonly rest: readonly string[];
    }
  | { readonly kind: 'unknown'; readonly typed: string; readonly noun: string | undefined };

/** Global flags may stand before the noun; of these one takes a value. */
const WITH_VALUE = /^--socket$/;

export const resolveCommand = (argv: readonly string[], ids: readonly string[]): Meant => {
  const leading: string[] = [];
  let rest = [...argv];
  while (rest[0]?.startsWith('-') && rest[0] !== '--') {
    const take = WITH_VALUE.test(rest[0]) ? 2 : 1;
    leading.push(...rest.slice(0, take));
    rest = rest.slice(take);
  }
  const [first, second] = rest;
  if (first === undefined || first === '--') return { kind: 'overview', noun: undefined };
  const nouns = new Set(ids.map((id) => id.split(' ', 1)[0]!));
  const noun = nouns.has(first) ? first : singular(first, nouns);
  if (noun === undefined) return { kind: 'unknown', typed: first, noun: undefined };
  if (second !== undefined && ids.includes(`${noun} ${second}`))
    return { kind: 'command', id: `${noun} ${second}`, argv: [...leading, ...rest.slice(2)] };
  const isPlural = noun !== first && ids.includes(`${noun} list`);
  if (isPlural && (second === undefined || (second.startsWith('-') && !ids.includes(noun))))
    return { kind: 'plural', typed: first, noun, rest: [...leading, ...rest.slice(1)] };
  if (ids.includes(noun)) return { kind: 'command', id: noun, argv: [...leading, ...rest.slice(1)] };
  if (second === undefined || second.startsWith('-')) return { kind: 'overview', noun };
  return { kind: 'unknown', typed: second, noun };
};

/** `devices`, and for the few that end in -y or -ss. */
const singular = (typed: string, nouns: ReadonlySet<string>): string | undefined =>
  [typed.replace(/ies$/, 'y'), typed.replace(/es$/, ''), typed.replace(/s$/, '')].find(
    (candidate) => candidate !== typed && nouns.has(candidate),
  );
