/** The name and the release of the distribution, as os-release(5) tells them. Pure. */

export interface OsRelease {
  readonly distro: string;
  /** Empty where it has none: a rolling release. */
  readonly release: string;
}

export const parseOsRelease = (text: string): OsRelease => {
  const values = new Map(
    text.split('\n').flatMap((line): [string, string][] => {
      const [, key, value] = /^\s*([A-Z0-9_]+)=(.*?)\s*$/.exec(line) ?? [];
      return key === undefined || value === undefined ? [] : [[key, unquoted(value)]];
    }),
  );
  return { distro: values.get('NAME') ?? '', release: values.get('VERSION_ID') ?? '' };
};

/** A shell's words, of which the file uses no more than quotes and backslashes. */
const unquoted = (word: string): string =>
  word.replace(/^(["'])(.*)\1$/, '$2').replaceAll(/\\([$"`'\\])/g, '$1');
