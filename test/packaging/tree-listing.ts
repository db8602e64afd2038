/** What a tree holds, as one line a name: to see what came, what went, and what was left behind. */
import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** What a running Debian writes by itself, service or no service. */
const VOLATILE = [
  /^(proc|sys|dev|run|tmp)\//,
  /^var\/(tmp|log|cache)\//,
  /^var\/lib\/systemd\//,
  // The account tools' own copies of what they changed, and their lock.
  /^etc\/(passwd|group|shadow|gshadow|subuid|subgid)-$/,
  /^etc\/\.(pwd\.lock|updated)$/,
  /^var\/\.updated$/,
];

/** Path, kind, mode, owner and a hash of the content; not the time. */
export const listTree = async (root: string): Promise<string[]> => {
  const lines: string[] = [];
  const visit = async (folder: string): Promise<void> => {
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      const shown = relative(root, path);
      const stats = await lstat(path).catch(() => null); // went while we looked; the next run would not see it either
      if (!stats || VOLATILE.some((pattern) => pattern.test(stats.isDirectory() ? `${shown}/` : shown)))
        continue;
      const what = stats.isSymbolicLink()
        ? `-> ${await readlink(path)}`
        : stats.isFile()
          ? createHash('sha256')
              .update(await readFile(path))
              .digest('hex')
              .slice(0, 16)
          : '';
      lines.push(`${shown} ${stats.mode.toString(8)} ${stats.uid}:${stats.gid} ${what}`.trimEnd());
      if (stats.isDirectory()) await visit(path);
    }
  };
  await visit(root);
  return lines.sort();
};
