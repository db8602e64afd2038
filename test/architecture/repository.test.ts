import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Lockfile } from '../../scripts/lockfile.ts';
import { requires } from '../require.ts';
import { root } from './modules.ts';

interface Manifest {
  readonly allowScripts: Readonly<Record<string, boolean>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const manifest = JSON.parse(read('package.json')) as Manifest;
const lock = JSON.parse(read('package-lock.json')) as Lockfile & {
  packages: Record<string, { optionalDependencies?: Record<string, string> }>;
};
const locked = Object.entries(lock.packages).filter(([path]) => path !== '');
const nameOf = (path: string): string => path.split('node_modules/').at(-1) as string;

describe('the lockfile', () => {
  test('names packages by version and hash, and no host to have them from', () => {
    const wrong = locked.filter(
      ([, { resolved, integrity, version }]) =>
        resolved !== undefined || !integrity?.startsWith('sha512-') || !/^\d+\.\d+\.\d+/.test(version ?? ''),
    );
    expect(wrong.map(([path]) => path)).toEqual([]);
  });

  test('lacks no optional package: one that a registry did not have when it was written makes npm ci refuse it', () => {
    const there = new Set(locked.map(([path]) => nameOf(path)));
    const missing = Object.entries(lock.packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
        .filter((name) => !there.has(name))
        .map((name) => `${name}, of ${path || 'package.json'}`),
    );
    expect(missing).toEqual([]);
  });

  test('every install script is approved or refused by name', () => {
    const undecided = locked
      .filter(([path, { hasInstallScript }]) => hasInstallScript && !(nameOf(path) in manifest.allowScripts))
      .map(([path]) => nameOf(path));
    expect(undecided, 'decide in package.json, allowScripts').toEqual([]);
  });
});

test('package.json pins exact versions', () => {
  const { dependencies, optionalDependencies, devDependencies } = manifest;
  const loose = Object.entries({ ...dependencies, ...optionalDependencies, ...devDependencies }).filter(
    ([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version),
  );
  expect(loose).toEqual([]);
});

test('the Node of each platform is the one that package.json names', () => {
  const versions = Object.entries({ ...manifest.dependencies, ...manifest.optionalDependencies })
    .filter(([name]) => name === 'node' || /^node-(linux|win)-/.test(name))
    .map(([, version]) => version);
  expect(new Set(versions).size).toBe(1);
  expect(process.version).toBe(`v${versions[0]}`);
});

describe('tracked files', requires('git'), () => {
  test('name no machine: no absolute path of a checkout or a home, no host of a private registry', () => {
    const git = spawnSync('git', ['-c', `safe.directory=${root}`, 'ls-files', '-z'], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(git.status, git.stderr).toBe(0);
    const private_ = privateNames();
    const found: string[] = [];
    for (const file of git.stdout.split('\0').filter(Boolean)) {
      for (const [index, line] of readIfThere(file).split('\n').entries()) {
        if (private_.some((name) => name.test(line)))
          found.push(`${file}:${index + 1}: ${line.trim().slice(0, 80)}`);
      }
    }
    expect(found).toEqual([]);
  });
});

/** Of this machine where they mean something, and of anybody's. */
function privateNames(): RegExp[] {
  const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  const ordinary = [
    '/',
    '/tmp',
    '/root',
    '/home',
    '/opt',
    '/srv',
    '/usr/src',
    '/var/tmp',
    '/builds',
    '/mnt',
    '/media',
  ];
  const paths = [root, dirname(root), homedir()].filter((path) => !ordinary.includes(path));
  const names = paths.map((path) => new RegExp(`${escaped(path)}(?![\\w-])`));
  if (hostname().length > 8) names.push(new RegExp(escaped(hostname())));
  const registry = process.env.npm_config_registry;
  if (registry && !registry.includes('registry.npmjs.org'))
    names.push(new RegExp(escaped(new URL(registry).host)));
  return [...names, /\/(home|Users)\/(?!\w*\$|alice\b|bob\b|user\b)[a-z][\w-]*\//];
}

/** Deleted in the working tree and not yet in the index is no file any more. */
function readIfThere(file: string): string {
  try {
    return read(file);
  } catch {
    return '';
  }
}
