import { describe, expect, test } from 'vitest';
import { differences, type LockedPackage, type Platform } from '../../scripts/lockfile.ts';

const linux: Platform = { os: 'linux', cpu: 'x64', libc: 'glibc' };
const one: LockedPackage = { version: '1.0.0', integrity: 'sha512-a' };

function compare(
  locked: Record<string, LockedPackage>,
  installed: Record<string, LockedPackage>,
  here = linux,
): string[] {
  return differences({ packages: { '': {}, ...locked } }, { packages: installed }, here);
}

describe('what is installed against the lockfile', () => {
  test('the same is the same', () => {
    expect(compare({ 'node_modules/a': one }, { 'node_modules/a': one })).toEqual([]);
  });

  test('a package that is missing, too many, of another version or of another hash is named', () => {
    expect(compare({ 'node_modules/a': one }, {})).toEqual(['a is missing']);
    expect(compare({}, { 'node_modules/a': one })).toEqual(['a is not in the lockfile']);
    const newer = { ...one, version: '1.0.1' };
    expect(compare({ 'node_modules/a': one }, { 'node_modules/a': newer })).toEqual([
      'a is 1.0.1, not 1.0.0',
    ]);
    const forged = { ...one, integrity: 'sha512-b' };
    expect(compare({ 'node_modules/a': one }, { 'node_modules/a': forged })).toHaveLength(1);
  });

  test.each<[string, Partial<LockedPackage>, boolean]>([
    ['another system', { os: ['darwin'] }, true],
    ['this system', { os: ['linux'] }, false],
    ['this system, written as a string', { os: 'linux', cpu: 'x64' }, false],
    ['another processor', { os: 'linux', cpu: 'arm64' }, true],
    ['another C library', { os: ['linux'], cpu: ['x64'], libc: ['musl'] }, true],
    ['this C library', { os: ['linux'], cpu: ['x64'], libc: ['glibc'] }, false],
    ['any system but this', { os: ['!linux'] }, true],
    ['any system but another', { os: ['!win32'] }, false],
    ['no system in particular', {}, true],
  ])('an optional package for %s may be absent: %o', (_, platform, mayBeAbsent) => {
    const optional = { ...one, ...platform, optional: true };
    expect(compare({ 'node_modules/a': optional }, {}).length === 0).toBe(mayBeAbsent);
  });

  test('a package that is not optional may not be absent, whatever it is for', () => {
    expect(compare({ 'node_modules/a': { ...one, os: ['darwin'] } }, {})).toEqual(['a is missing']);
  });
});
