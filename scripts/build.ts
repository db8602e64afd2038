/**
 * Bundles the three programs to dist/, one CommonJS file each; the part behind each `import()` is evaluated when reached.
 *
 *   dist/borealisctl.cjs              the entry: reads the bundle with its code cache
 *   dist/borealisctl-<hash>.cjs       the bundle (.map beside it, read by src/sys/stack.ts when an error is printed)
 *   dist/borealisctl-<hash>.cjs.cache V8's code for it, so that starting compiles nothing
 *   dist/borealis-wallboard.cjs       a part of borealisctl that few commands need: it would only make the others start
 *                                     later. Loaded by src/commands/manner/part.ts
 *
 * V8 knows its cache by the length of the source only, so each bundle has a name of its own, and the entry, put in place
 * last, names exactly one pair. Two builds at once, or a start during a build, always see a pair that belongs together.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import type { BuildOptions, OutputFile } from 'esbuild';
import { NATIVE_PACKAGES } from '../src/sys/program-files.ts';
import { blessedInside, englishOnly, inkAsCommonJs, lazyRequires } from './bundle-plugins.ts';
import { hashInputs } from './inputs.ts';

interface Program {
  readonly name: string;
  readonly entry: string;
  /** A run that compiles what the usual run needs; it must end by itself and leave nothing. */
  readonly warmUp: readonly string[];
}

export const programs: readonly Program[] = [
  { name: 'borealisctl', entry: 'src/commands/main.ts', warmUp: ['device', 'list', '--json'] },
  { name: 'borealisd', entry: 'src/daemon/main.ts', warmUp: ['--help'] },
  { name: 'borealis-agent', entry: 'src/agent/main.ts', warmUp: ['--help'] },
  // No program of its own: borealisctl loads it, which itself loads no React (src/commands/manner/part.ts).
  { name: 'borealis-dashboard', entry: 'src/tui/main.tsx', warmUp: [] },
];

/** An `.mjs` where a package in it awaits at its top. */
export const parts: readonly { readonly file: string; readonly entry: string }[] = [
  { file: 'borealis-wallboard.cjs', entry: 'src/tui/wallboard/main.ts' },
];

const options = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  // Packages with machine code stay in node_modules.
  external: [...NATIVE_PACKAGES, 'react-devtools-core', 'term.js', 'pty.js'],
  plugins: [lazyRequires, englishOnly, blessedInside, inkAsCommonJs],
  // Names stay: they are in stack traces, and nearly free.
  minifySyntax: true,
  minifyWhitespace: true,
  // Node prints the whole line in which an uncaught error arose.
  lineLimit: 160,
  legalComments: 'external',
  sourcemap: 'linked',
  sourcesContent: false,
  // The entry runs the file as a script, as Node's own loader would run a CommonJS module.
  banner: { js: '(function(exports,require,module,__filename,__dirname){' },
  footer: { js: '})' },
  define: {
    'process.env.NODE_ENV': '"production"',
    'process.env.DEV': '"false"',
    'import.meta.dirname': '__dirname',
    'import.meta.filename': '__filename',
    'import.meta.url': 'importMetaUrl',
  },
  inject: [join(import.meta.dirname, 'import-meta-url.mjs')],
  logLevel: 'warning',
  write: false,
} satisfies BuildOptions;

const say = (message: string): void => void process.stderr.write(`borealis: ${message}\n`);

/** Builds what there is. Rejects, after trying all, when one of the programs does not build. */
export async function build(root: string): Promise<void> {
  const started = performance.now();
  const dist = join(root, 'dist');
  mkdirSync(dist, { recursive: true });
  runGenerator(root);
  const inputs = hashInputs(root);
  const present = programs.filter(({ entry }) => existsSync(join(root, entry)));
  const presentParts = parts.filter(({ entry }) => existsSync(join(root, entry)));
  const results = await Promise.allSettled([
    ...present.map((program) => bundle(root, dist, program)),
    ...presentParts.map((part) => bundlePart(root, dist, part)),
  ]);
  const names = [...present.map(({ name }) => name), ...presentParts.map(({ file }) => file)];
  const failed = names.filter((_, index) => results[index]?.status === 'rejected');
  for (const { name } of programs.filter((program) => !present.includes(program)))
    say(`${name} has no source yet`);
  if (failed.length > 0)
    throw new Error(`the build of ${failed.join(', ')} failed; esbuild's messages are above`);
  sweep(dist);
  place(join(dist, '.built-from'), inputs);
  say(
    `built ${present.map(({ name }) => name).join(', ')} in ${((performance.now() - started) / 1000).toFixed(1)} s`,
  );
}

/** What is derived from the source (documents, completions, the list of commands) is written before it is bundled. */
function runGenerator(root: string): void {
  const generator = join(root, 'scripts/generate.ts');
  if (!existsSync(generator)) return;
  const { status } = spawnSync(process.execPath, ['--no-warnings', generator], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) throw new Error('scripts/generate.ts failed; its messages are above');
}

async function bundle(root: string, dist: string, { name, entry, warmUp }: Program): Promise<void> {
  const { build: esbuild } = await import('esbuild');
  const outfile = join(dist, `${name}.cjs`);
  const { outputFiles } = await esbuild({ ...options, absWorkingDir: root, entryPoints: [entry], outfile });
  const output = (suffix: string): OutputFile | undefined =>
    outputFiles.find(({ path }) => path === `${outfile}${suffix}`);
  const code = toAscii(output('')?.text ?? '');
  const hash = createHash('sha256').update(code).update(process.version).update(warmUp.join('\0'));
  const file = `${name}-${hash.digest('hex').slice(0, 12)}.cjs`;
  place(join(dist, `${file}.map`), output('.map')?.text ?? '');
  place(join(dist, file), code.replace(`sourceMappingURL=${name}.cjs.map`, `sourceMappingURL=${file}.map`));
  place(join(dist, `${name}.LEGAL.txt`), output('.LEGAL.txt')?.text ?? '');
  keepWarm(dist, file, warmUp);
  place(outfile, entrySource(file));
}

/** Whoever loads it is at most one build older or newer: what they say to each other is a few plain arguments. */
async function bundlePart(
  root: string,
  dist: string,
  { file, entry }: (typeof parts)[number],
): Promise<void> {
  const { build: esbuild } = await import('esbuild');
  const { banner, footer, inject, define, ...shared } = options;
  const outfile = join(dist, file);
  const asModule = file.endsWith('.mjs');
  const { outputFiles } = await esbuild({
    ...shared,
    ...(asModule
      ? { format: 'esm', define: { 'process.env.NODE_ENV': '"production"' } }
      : { inject, define }),
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
  });
  for (const { path, text } of outputFiles) place(path, text);
}

/** One byte a character, so that V8 takes the file as it is. An escape means the same in a string and in a regular expression. */
function toAscii(code: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is all of ASCII
  return code.replace(/[^\x00-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function entrySource(file: string): string {
  return `'use strict';
// Made by scripts/build.ts. V8 checks the cache against its own version and flags, and does without where they differ.
const fs = require('node:fs'), vm = require('node:vm');
const filename = __dirname + '/${file}';
let cachedData;
try { cachedData = fs.readFileSync(filename + '.cache'); } catch { /* only slower without */ }
new vm.Script(fs.readFileSync(filename, 'latin1'), {
  filename, cachedData, importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
}).runInThisContext().call(exports, exports, require, module, filename, __dirname);
`;
}

function keepWarm(dist: string, file: string, args: readonly string[]): void {
  const cache = join(dist, `${file}.cache`);
  if (existsSync(cache)) {
    // As young as its bundle, which was just written again: what is old is swept.
    utimesSync(cache, new Date(), new Date());
    return;
  }
  warm(dist, file, args);
  if (!existsSync(cache)) say(`${file} has no compiled code beside it, and starts slower; build again`);
}

/** Runs the bundle once, with nothing of this machine within its reach, and keeps the code that V8 compiled for it. */
function warm(dist: string, file: string, args: readonly string[]): void {
  const nowhere = join(dist, '.warm-up');
  spawnSync(process.execPath, [join(import.meta.dirname, 'code-cache.cjs'), join(dist, file), ...args], {
    cwd: dist,
    env: {
      PATH: '/nonexistent',
      HOME: nowhere,
      BOREALIS_STATE: nowhere,
      BOREALIS_SOCKET: join(nowhere, 'socket'),
      BOREALIS_AGENT_STATE: nowhere,
    },
    stdio: 'ignore',
    timeout: 5000,
    killSignal: 'SIGKILL',
  });
  rmSync(nowhere, { recursive: true, force: true });
}

function place(file: string, content: string): void {
  const fresh = `${file}.${process.pid}.new`;
  writeFileSync(fresh, content);
  renameSync(fresh, file);
}

/** Earlier bundles go when nobody can be just starting from them. */
function sweep(dist: string): void {
  for (const name of readdirSync(dist)) {
    const file = join(dist, name);
    const age = Date.now() - statSync(file).mtimeMs;
    if (/-[0-9a-f]{12}\.cjs|\.new$/.test(name) && age > 600_000) rmSync(file, { force: true });
  }
}

if (process.argv[1] === import.meta.filename) {
  build(resolve(import.meta.dirname, '..')).catch((error: unknown) => {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  });
}
