/** getpwnam_r(3), getpwuid_r(3), getgrnam_r(3), getgrgid_r(3). */
import { BorealisError } from '../protocol/errors.ts';
import { ERRNO, errorName, libc } from './libc.linux.ts';

export interface UserEntry {
  readonly pw_name: string;
  readonly pw_uid: number;
  readonly pw_gid: number;
  readonly pw_dir: string | null;
  readonly pw_shell: string | null;
}

export interface GroupEntry {
  readonly gr_name: string;
  readonly gr_gid: number;
  readonly members: readonly string[];
}

interface RawGroup {
  readonly gr_name: string;
  readonly gr_gid: number;
  readonly gr_mem: unknown;
}

export interface AccountSource {
  /** By uid or by name. */
  user(key: string | number): UserEntry | null;
  group(key: string | number): GroupEntry | null;
}

type Lookup = (key: string | number, entry: object, buffer: Buffer, size: number, found: [unknown]) => number;

/** Largest entry that is read: a group with tens of thousands of members. */
const LARGEST_BYTES = 4 * 1024 * 1024;

let source: AccountSource | undefined;

export const accountSource = (): AccountSource => {
  source ??= load();
  return source;
};

const load = (): AccountSource => {
  const c = libc();
  const { koffi } = c;
  const passwd = koffi.struct({
    pw_name: 'str',
    pw_passwd: 'void *',
    pw_uid: 'uint32_t',
    pw_gid: 'uint32_t',
    pw_gecos: 'void *',
    pw_dir: 'str',
    pw_shell: 'str',
  });
  const group = koffi.struct({ gr_name: 'str', gr_passwd: 'void *', gr_gid: 'uint32_t', gr_mem: 'void *' });
  const bind = (name: string, key: string, type: typeof passwd) =>
    c.function<Lookup>(name, 'int', [
      key,
      koffi.out(koffi.pointer(type)),
      'void *',
      'size_t',
      koffi.out(koffi.pointer('void *')),
    ]);
  const byUid = bind('getpwuid_r', 'uint32_t', passwd);
  const byUserName = bind('getpwnam_r', 'str', passwd);
  const byGid = bind('getgrgid_r', 'uint32_t', group);
  const byGroupName = bind('getgrnam_r', 'str', group);

  const members = (list: unknown): string[] => {
    const names: string[] = [];
    if (list === null) return names;
    for (let at = 0; ; at += 8) {
      const name: unknown = koffi.decode(list, at, 'str');
      if (typeof name !== 'string') return names;
      names.push(name);
    }
  };
  return {
    user: (key) => ask(typeof key === 'number' ? byUid : byUserName, key, (entry) => entry as UserEntry),
    group: (key) =>
      ask(typeof key === 'number' ? byGid : byGroupName, key, (entry) => {
        const { gr_name, gr_gid, gr_mem } = entry as RawGroup;
        return { gr_name, gr_gid, members: members(gr_mem) };
      }),
  };
};

/** `read` runs while the buffer, into which the entry's pointers lead, is certain to live. */
const ask = <T>(lookup: Lookup, key: string | number, read: (entry: object) => T): T | null => {
  for (let size = 4_096; ; ) {
    // Not from Buffer's pool: its memory must stay where it is and be ours alone.
    const buffer = Buffer.from(new ArrayBuffer(size));
    const entry = {};
    const found: [unknown] = [null];
    const errno = lookup(key, entry, buffer, size, found);
    if (errno === 0) return found[0] === null ? null : read(entry);
    if (errno === ERRNO.EINTR) continue;
    if (errno !== ERRNO.ERANGE || size >= LARGEST_BYTES) return notFoundOrThrow(errno, key);
    size *= 4;
  }
};

/** getpwnam(3), ERRORS: these too are answered for "no such entry" by one implementation or another. */
const NOT_FOUND = new Set(['ENOENT', 'ESRCH', 'EBADF', 'EPERM']);

const notFoundOrThrow = (errno: number, key: string | number): null => {
  const name = errorName(errno);
  if (NOT_FOUND.has(name)) return null;
  throw new BorealisError('COMMAND_FAILED', { detail: `The account ${key} cannot be looked up: ${name}.` });
};
