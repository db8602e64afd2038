/** Texts that begin with a prefix, as a range that an index answers: [first, last], both included. */

/** Sorts behind every text that begins with the prefix, in order of code points (SQLite's and PostgreSQL's "C"). */
export const prefixRange = (prefix: string): { readonly first: string; readonly last: string } => ({
  first: prefix,
  last: `${prefix}\u{10ffff}`,
});
