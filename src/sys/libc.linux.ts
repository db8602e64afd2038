/**
 * The C library, for what Node has no call of: loaded through koffi when first needed, once. glibc and musl share the
 * layouts used here on x86-64 and arm64.
 */
import { createRequire } from 'node:module';
import { endianness } from 'node:os';
import type KoffiModule from 'koffi';
import { BorealisError } from '../protocol/errors.ts';

export type Koffi = typeof KoffiModule;

/** Numbers of errors that are met here; the same on every Linux (errno(3), asm-generic). */
export const ERRNO = { EINTR: 4, EAGAIN: 11, ERANGE: 34 } as const;

/** A function of the C library by its C declaration; its errno is in `lastError()` right after the call. */
export interface Libc {
  readonly koffi: Koffi;
  function<F extends (...args: never[]) => unknown>(declaration: string): F;
  function<F extends (...args: never[]) => unknown>(name: string, result: string, args: unknown[]): F;
  lastError(): number;
}

const NAMES = ['libc.so.6', `ld-musl-${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}.so.1`, 'libc.so'];

let loaded: Libc | undefined;

/** Errors: UNSUPPORTED_PLATFORM where there is no koffi or no C library of a known name. */
export const libc = (): Libc => {
  loaded ??= load();
  return loaded;
};

const load = (): Libc => {
  // Bundled as CommonJS there is no import.meta, from source there is no __filename.
  const require = createRequire(import.meta.filename ?? __filename);
  let koffi: Koffi;
  try {
    koffi = require('koffi') as Koffi;
  } catch (cause) {
    throw new BorealisError('UNSUPPORTED_PLATFORM', { detail: 'koffi cannot be loaded.', cause });
  }
  if (endianness() !== 'LE') {
    throw new BorealisError('UNSUPPORTED_PLATFORM', { detail: 'The processor is not little-endian.' });
  }
  const library = openFirst(koffi);
  const functions = new Map<string, unknown>();
  const bind = (name: string, result?: string, args?: unknown[]): never => {
    let bound = functions.get(name);
    if (!bound) {
      bound = result === undefined ? library.func(name) : library.func(name, result, args as string[]);
      functions.set(name, bound);
    }
    return bound as never;
  };
  return { koffi, function: bind, lastError: () => koffi.errno() };
};

const openFirst = (koffi: Koffi) => {
  let cause: unknown;
  for (const name of NAMES) {
    try {
      return koffi.load(name);
    } catch (error) {
      cause = error; // the next name may be it
    }
  }
  throw new BorealisError('UNSUPPORTED_PLATFORM', {
    detail: `No C library is found as ${NAMES.join(', ')}.`,
    cause,
  });
};

/** `EAGAIN` for 11, for messages. */
export const errorName = (errno: number): string => {
  const found = Object.entries(libc().koffi.os.errno).find(([, value]) => value === errno);
  return found?.[0] ?? `errno ${errno}`;
};
