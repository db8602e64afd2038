/** Characters that the passphrase of a backup has at least: whoever has the file may try as many as they like. */
export const SHORTEST_PASSPHRASE = 8;
