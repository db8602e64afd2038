/** The modules of src/ and what each imports, read from the syntax tree: comments and strings do not count. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parseAst } from 'vitest/node';

export const root = resolve(import.meta.dirname, '../..');

/** `type` leaves nothing at run time, `static` is loaded with the importer, `dynamic` only when it gets there. */
export type ImportKind = 'type' | 'static' | 'dynamic';

export interface Import {
  readonly kind: ImportKind;
  readonly specifier: string;
  readonly line: number;
}

export interface Module {
  /** Relative to the root: src/store/store.ts */
  readonly path: string;
  readonly imports: readonly Import[];
  /** Lines with the type `any`. */
  readonly anys: readonly number[];
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';

function* walk(node: Node): Generator<Node> {
  yield node;
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) yield* walk(child);
  }
}

/** What `node` imports, if it does; `undefined` otherwise. */
function importOf(node: Node): { kind: ImportKind; source: unknown } | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
      return { kind: isTypeOnly(node, 'importKind') ? 'type' : 'static', source: node.source };
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
      return node.source
        ? { kind: isTypeOnly(node, 'exportKind') ? 'type' : 'static', source: node.source }
        : undefined;
    case 'TSImportType':
      return { kind: 'type', source: node.source };
    case 'ImportExpression':
      return { kind: 'dynamic', source: node.source };
    case 'CallExpression': {
      const callee = node.callee as Node & { name?: string };
      const [first] = node.arguments as unknown[];
      return callee.name === 'require' ? { kind: 'static', source: first } : undefined;
    }
    default:
      return undefined;
  }
}

/** `import type { A }`, and `import { type A }` too: verbatimModuleSyntax keeps the latter, but esbuild bundles nothing for it. */
function isTypeOnly(node: Node, key: 'importKind' | 'exportKind'): boolean {
  if (node[key] === 'type') return true;
  const specifiers = (node.specifiers ?? []) as Node[];
  return specifiers.length > 0 && specifiers.every((specifier) => specifier[key] === 'type');
}

export function parseModule(path: string, text: string): Module {
  const tree = parseAst(text, { lang: path.endsWith('x') ? 'tsx' : 'ts' }) as unknown as Node;
  const lineOf = (offset: number): number => text.slice(0, offset).split('\n').length;
  const imports: Import[] = [];
  const anys: number[] = [];
  for (const node of walk(tree)) {
    if (node.type === 'TSAnyKeyword') anys.push(lineOf(node.start));
    const found = importOf(node);
    if (!found) continue;
    const literal = found.source as { value?: unknown } | undefined;
    const specifier = typeof literal?.value === 'string' ? literal.value : '(computed)';
    imports.push({ kind: found.kind, specifier, line: lineOf(node.start) });
  }
  return { path, imports, anys };
}

export function readModules(): Module[] {
  return globSync('src/**/*.{ts,tsx}', { cwd: root })
    .sort()
    .map((path) => parseModule(path, readFileSync(join(root, path), 'utf8')));
}

/** The module's path for a relative specifier; the package's name otherwise (`node:fs`, `@oclif/core`). */
export function target(from: string, specifier: string): { path: string } | { package: string } {
  if (specifier.startsWith('.')) return { path: relative(root, join(root, dirname(from), specifier)) };
  if (specifier.startsWith('node:')) return { package: specifier };
  return { package: specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/') };
}
