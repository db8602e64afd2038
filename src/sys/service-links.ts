/** The commands on everybody's path: links in /usr/local/bin to the installed program. */
import { lstat, mkdir, readlink, symlink, unlink } from 'node:fs/promises';
import { join } from 'node:path';

const COMMANDS = ['borealisctl', 'borealisd', 'borealis-agent'];

/** Returns the names that something else has, which is left as it is. */
export const linkCommands = async (folder: string, program: string): Promise<string[]> => {
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const taken: string[] = [];
  for (const name of COMMANDS) {
    const target = join(program, 'bin', name);
    const present = await linkTarget(join(folder, name));
    if (present === undefined) await symlink(target, join(folder, name));
    else if (present !== target) taken.push(name);
  }
  return taken;
};

/** Removes those that lead to the program, and no others. */
export const unlinkCommands = async (folder: string, program: string): Promise<void> => {
  for (const name of COMMANDS) {
    if ((await linkTarget(join(folder, name))) === join(program, 'bin', name))
      await unlink(join(folder, name));
  }
};

/** Undefined where nothing has the name, null where it is no link. */
const linkTarget = async (path: string): Promise<string | null | undefined> => {
  try {
    return (await lstat(path)).isSymbolicLink() ? await readlink(path) : null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};
