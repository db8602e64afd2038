/** What esbuild leaves to be done so that a bundle starts fast. */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Plugin } from 'esbuild';

/**
 * Has @oclif/core require its own modules when it gets to their first use, as Metro and Babel's `lazy` do: loaded whole
 * it takes half as long as Node itself to start, and a command uses a third of it. The files are as TypeScript writes
 * them: each import is one line, `const x_1 = require("…")`, and each use reads a property of that name.
 */
export const lazyRequires: Plugin = {
  name: 'lazy requires',
  setup(build) {
    build.onLoad({ filter: /[\\/]@oclif[\\/]core[\\/]lib[\\/].*\.js$/ }, async ({ path }) => ({
      contents: makeLazy(await readFile(path, 'utf8')),
      loader: 'js',
    }));
  },
};

const IMPORT =
  /^(?:const|var) (\w+_\d+|[A-Z]\w*) = ((?:__importDefault|__importStar)\()?require\(("[^"]+")\)\)?;$/gm;

export const makeLazy = (source: string): string => {
  const names = [...source.matchAll(IMPORT)].map((match) => match[1] as string);
  if (names.length === 0) return source;
  const declared = source.replaceAll(IMPORT, (_, name: string, wrap: string | undefined, id: string) => {
    const load = wrap ? `${wrap}require(${id}))` : `require(${id})`;
    return `let ${name}$loaded; const ${name}$ = () => ${name}$loaded ??= ${load};`;
  });
  const use = new RegExp(`\\b(new )?(${names.join('|')})(?=\\.)`, 'g');
  // In parentheses, `new` takes what the module exports, not the function that loads it.
  return declared.replaceAll(use, (_, made: string | undefined, name: string) =>
    made ? `new (${name}$())` : `${name}$()`,
  );
};

/** Of zod's error messages in fifty languages only English is used; the others are half of its size. */
export const englishOnly: Plugin = {
  name: 'English only',
  setup(build) {
    build.onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: `export { default as en } from './en.js';`,
      loader: 'js',
    }));
  },
};

/** blessed requires its widgets by names that it puts together, and reads a file beside it: a bundle needs both inside. */
export const blessedInside: Plugin = {
  name: 'blessed in a bundle',
  setup(build) {
    build.onLoad({ filter: /[\\/]blessed[\\/]lib[\\/]widget\.js$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const list = /widget\.classes = \[([^\]]*)\]/.exec(source)?.[1] ?? '';
      const files = [...list.matchAll(/'(\w+)'/g)].map((match) => (match[1] as string).toLowerCase());
      const table = files.map((file) => `${file}: require('./widgets/${file}')`).join(', ');
      return {
        contents: replaced(source, "require('./widgets/' + file)", `({ ${table} })[file]`),
        loader: 'js',
      };
    });
    // What it falls back to where the machine has no terminfo(5) of the terminal where it looks (Debian: /lib/terminfo).
    build.onLoad({ filter: /[\\/]blessed[\\/]lib[\\/]tput\.js$/ }, async ({ path }) => {
      const entry = await readFile(join(dirname(path), '../usr/xterm-256color'), 'base64');
      return {
        contents: replaced(
          await readFile(path, 'utf8'),
          "this.injectTerminfo(__dirname + '/../usr/xterm')",
          `this.inject(this.compile(this.parseTerminfo(Buffer.from('${entry}', 'base64'), 'xterm-256color')))`,
        ),
        loader: 'js',
      };
    });
  },
};

const replaced = (source: string, from: string, to: string): string => {
  if (!source.includes(from)) throw new Error(`blessed has changed: there is no ${from}`);
  return source.replace(from, to);
};

/**
 * Ink's layout engine is WebAssembly that is awaited at the top of its module, which CommonJS cannot. In the bundle its
 * module is there at once, with its constants alone, and is filled when `ready` resolves (src/tui/ink/stage.tsx waits for it).
 */
export const inkAsCommonJs: Plugin = {
  name: 'Ink as CommonJS',
  setup(build) {
    // For developers of Ink alone, and awaited in the midst of the module.
    build.onLoad({ filter: /[\\/]ink[\\/]build[\\/]reconciler\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8'))
        .replace("await import('./devtools.js')", 'undefined')
        .replace('await loadPackageJson()', '{}'),
      loader: 'js',
    }));
    build.onLoad({ filter: /[\\/]yoga-layout[\\/]dist[\\/]src[\\/]index\.js$/ }, () => ({
      contents: `import { loadYoga } from './load.js';
import constants from './generated/YGEnums.js';
const Yoga = { ...constants };
export default Yoga;
export const ready = loadYoga().then((loaded) => void Object.assign(Yoga, loaded));
export * from './generated/YGEnums.js';
`,
      loader: 'js',
    }));
  },
};
