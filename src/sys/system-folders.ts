/** Where programs for the administrator are (ip, nft, wg); Debian leaves these folders out of the PATH of everybody else. */
const FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** A PATH that has them too: last, so that whatever is on it already comes first. Undefined stays so. */
export const withSystemFolders = (path: string | undefined): string | undefined => {
  if (path === undefined) return undefined;
  const present = path.split(':');
  return [path, ...FOLDERS.filter((folder) => !present.includes(folder))].join(':');
};
