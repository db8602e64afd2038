/** package-lock.json against npm's own record of what it installed, node_modules/.package-lock.json. */

export interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly optional?: boolean;
  readonly devOptional?: boolean;
  readonly hasInstallScript?: boolean;
  readonly resolved?: string;
  readonly os?: string | readonly string[];
  readonly cpu?: string | readonly string[];
  readonly libc?: string | readonly string[];
}

export interface Lockfile {
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

export interface Platform {
  readonly os: string;
  readonly cpu: string;
  readonly libc: 'glibc' | 'musl' | undefined;
}

/** npm writes a list of one as a plain string; `!x` excludes x. No list admits all. */
function admits(list: string | readonly string[] | undefined, value: string | undefined): boolean {
  if (list === undefined) return true;
  const names = typeof list === 'string' ? [list] : list;
  if (value === undefined) return false;
  if (names.includes(`!${value}`)) return false;
  const wanted = names.filter((name) => !name.startsWith('!'));
  return wanted.length === 0 || wanted.includes(value);
}

/**
 * Every way in which `installed` is not `lock`, as sentences. An optional package may be absent when it is for another
 * platform, or for none in particular: those are what a package for another platform needs in turn (WebAssembly's).
 */
export function differences(lock: Lockfile, installed: Lockfile, here: Platform): string[] {
  const found: string[] = [];
  for (const [path, wanted] of Object.entries(lock.packages)) {
    if (path === '') continue;
    const name = path.replace(/^node_modules\//, '');
    const got = installed.packages[path];
    if (!got) {
      if (!mayBeAbsent(wanted, here)) found.push(`${name} is missing`);
    } else if (got.version !== wanted.version || got.integrity !== wanted.integrity) {
      found.push(`${name} is ${got.version}, not ${wanted.version}`);
    }
  }
  for (const path of Object.keys(installed.packages)) {
    if (!(path in lock.packages)) found.push(`${path.replace(/^node_modules\//, '')} is not in the lockfile`);
  }
  return found;
}

function mayBeAbsent({ optional, devOptional, os, cpu, libc }: LockedPackage, here: Platform): boolean {
  if (!optional && !devOptional) return false;
  if (os === undefined && cpu === undefined && libc === undefined) return true;
  return !(admits(os, here.os) && admits(cpu, here.cpu) && admits(libc, here.libc));
}

export function thisPlatform(): Platform {
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
  const libc =
    process.platform !== 'linux' ? undefined : report?.header?.glibcVersionRuntime ? 'glibc' : 'musl';
  return { os: process.platform, cpu: process.arch, libc };
}
