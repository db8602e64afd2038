import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Module, parseModule, readModules, root, target } from './modules.ts';
import { packageBans, rooms } from './rooms.ts';

const modules = readModules();
const roomOf = (path: string): string => path.split('/')[1] as string;

interface Edge {
  readonly from: string;
  readonly where: string;
  readonly kind: string;
  readonly to: { path: string } | { package: string };
}

const edgesOf = (module: Module): Edge[] =>
  module.imports.map(({ kind, specifier, line }) => ({
    from: module.path,
    where: `${module.path}:${line}`,
    kind,
    to: target(module.path, specifier),
  }));

const edges = modules.flatMap(edgesOf);

describe('the rooms', () => {
  test.each(Object.keys(rooms))('%s imports only what it may', (name) => {
    const room = rooms[name] as (typeof rooms)[string];
    const broken: string[] = [];
    for (const { from, where, to } of edges) {
      if (roomOf(from) !== name) continue;
      if ('path' in to && !to.path.startsWith('src/')) {
        broken.push(
          `${where}: nothing in src/ may import ${to.path}: the bundle and the source lie in different folders`,
        );
      } else if ('path' in to) {
        const other = roomOf(to.path);
        if (other !== name && !room.rooms.includes(other)) {
          broken.push(`${where}: ${name} must not import ${other}: ${room.because}`);
        }
      } else if (to.package.startsWith('node:')) {
        if (room.builtins === false)
          broken.push(`${where}: ${name} must not import ${to.package}: ${room.because}`);
      } else if (room.packages && !room.packages.includes(to.package)) {
        broken.push(`${where}: ${name} must not import ${to.package}: ${room.because}`);
      }
    }
    expect(broken).toEqual([]);
  });

  test('every module is in a room', () => {
    const homeless = modules.map(({ path }) => path).filter((path) => !(roomOf(path) in rooms));
    expect(
      homeless,
      'name the new room, what it may import and why no more, in test/architecture/rooms.ts',
    ).toEqual([]);
  });

  test('no room needs, in the end, itself', () => {
    const needs = new Map<string, Set<string>>();
    for (const { from, to } of edges) {
      if (!('path' in to) || !to.path.startsWith('src/') || roomOf(to.path) === roomOf(from)) continue;
      needs.set(roomOf(from), (needs.get(roomOf(from)) ?? new Set()).add(roomOf(to.path)));
    }
    const reach = (name: string, seen = new Set<string>()): Set<string> => {
      for (const next of needs.get(name) ?? []) if (!seen.has(next)) reach(next, seen.add(next));
      return seen;
    };
    const circular = [...needs.keys()].filter((name) => reach(name).has(name));
    expect(circular, 'two rooms that need each other are one').toEqual([]);
  });
});

test('who may have the floating address is decided without clock, files and network: in simulated time as well', () => {
  const pure = ['voter.ts', 'node.ts', 'voting.ts'].map((name) => `src/ha/${name}`);
  const broken = edges
    .filter(
      ({ from, to, kind }) =>
        pure.includes(from) && kind !== 'type' && !('path' in to && pure.includes(to.path)),
    )
    .map(({ where }) => where);
  expect(broken).toEqual([]);
});

describe('packages', () => {
  test.each(packageBans)('$package is used only in $onlyIn', ({ package: name, onlyIn, because }) => {
    const broken = edges
      .filter(({ from, to }) => 'package' in to && to.package === name && !onlyIn.includes(roomOf(from)))
      .map(({ where }) => `${where}: ${name} belongs to ${onlyIn.join(', ')}: ${because}`);
    expect(broken).toEqual([]);
  });

  test('a command loads zod and ws only when it gets there', () => {
    // Every command pays for what is loaded before it: zod alone takes longer than bare Node needs to start.
    const heavy = new Set(['zod', 'ws', 'systeminformation', 'pino']);
    const chain = (path: string, seen: Map<string, string>): Map<string, string> => {
      for (const { to, where, kind } of edges.filter(
        (edge) => edge.from === path && edge.kind === 'static',
      )) {
        if (kind !== 'static') continue;
        const key = 'path' in to ? to.path : to.package;
        if (seen.has(key)) continue;
        seen.set(key, where);
        if ('path' in to) chain(to.path, seen);
      }
      return seen;
    };
    const entry = 'src/commands/main.ts';
    if (!existsSync(join(root, entry))) return;
    const loaded = [...chain(entry, new Map())].filter(([name]) => heavy.has(name));
    expect(
      loaded.map(([name, where]) => `${where}: loads ${name} with the first line of every command`),
    ).toEqual([]);
  });
});

test('no any: what is not known is `unknown` until a schema has looked at it', () => {
  const found = modules.flatMap(({ path, anys }) => anys.map((line) => `${path}:${line}`));
  expect(found).toEqual([]);
});

test('every relative import names a file that is there, with its extension', () => {
  const missing = edges.filter(({ to }) => 'path' in to && !existsSync(join(root, to.path)));
  expect(missing.map(({ where }) => where)).toEqual([]);
});

test('the reader of imports sees each kind, and nothing in comments or strings', () => {
  const text = `
    import type { A } from './type.ts';
    import { type B } from './type-too.ts';
    import c, { type D } from './static.ts';
    import './effect.ts';
    export * from './all.ts';
    export { e } from './named.ts';
    type F = import('./inline-type.ts').F;
    const later = () => import('./dynamic.ts');
    const old = require('@scope/old/deep.js');
    // import x from './comment.ts';
    const text = "import y from './string.ts'; any";
    const odd = /import ['"] from '.\\/regex.ts'/;
    let z: any;
  `;
  const { imports, anys } = parseModule('src/x.ts', text);
  expect(imports.map(({ kind, specifier }) => `${kind} ${specifier}`)).toEqual([
    'type ./type.ts',
    'type ./type-too.ts',
    'static ./static.ts',
    'static ./effect.ts',
    'static ./all.ts',
    'static ./named.ts',
    'type ./inline-type.ts',
    'dynamic ./dynamic.ts',
    'static @scope/old/deep.js',
  ]);
  expect(anys).toHaveLength(1);
  expect(target('src/x.ts', '@scope/old/deep.js')).toEqual({ package: '@scope/old' });
});
