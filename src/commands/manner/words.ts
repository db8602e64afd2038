/** A command line in its two parts: what is ours, and what follows the first `--`. */

/** `rest` is undefined where there is no `--`. */
export const splitAtDashes = (
  argv: readonly string[],
): { readonly own: string[]; readonly rest: string[] | undefined } => {
  const at = argv.indexOf('--');
  return at < 0 ? { own: [...argv], rest: undefined } : { own: argv.slice(0, at), rest: argv.slice(at + 1) };
};

/** A word as a shell takes it. zsh expands one that begins with `=`. */
export const quoteForShell = (word: string): string =>
  /^(?!=)[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
