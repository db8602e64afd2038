/**
 * Set-up under Node 24: Debian packages, the packages of the lockfile, node-pty, the build. Started by scripts/setup, which
 * holds the lock. With --check it changes nothing and says by its exit code whether there is something to do.
 *
 * Nothing may be imported here that an `npm ci` has yet to install.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, delimiter, dirname, join, resolve } from 'node:path';
import {
  commandExists,
  installCommand,
  installPackages,
  isDebian,
  isRoot,
  missingPackages,
} from './debian.ts';
import { hashInputs } from './inputs.ts';
import { differences, type Lockfile, thisPlatform } from './lockfile.ts';

const root = resolve(import.meta.dirname, '..');
const at = (...path: string[]): string => join(root, ...path);
const platformPackage = `node-${process.platform}-${process.arch}`;
const files = {
  stamp: at('node_modules/.borealis-setup.json'),
  lock: at('package-lock.json'),
  installed: at('node_modules/.package-lock.json'),
  /** Kept out of the way of `npm ci`, which deletes node_modules with the Node that runs it. */
  keptNode: at('.node'),
  builtFrom: at('dist/.built-from'),
  aptFailed: at('.node/apt-failed.json'),
};

interface Stamp {
  readonly lock: string;
  /** npm's record of what is installed, so that a later `npm install` by hand is noticed. */
  readonly installed: string;
  readonly pty: boolean;
}

const say = (message: string): void => void process.stderr.write(`borealis: ${message}\n`);
const sha256 = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');
const readJson = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));
const readLock = (file: string): Lockfile => readJson(file) as Lockfile;

function readStamp(): Stamp | undefined {
  try {
    return readJson(files.stamp) as Stamp;
  } catch {
    return undefined; // none, or cut off: set up again
  }
}

const canCompile = (): boolean => ['g++', 'make', 'python3'].every((command) => commandExists(command));

function packagesCurrent(): boolean {
  const stamp = readStamp();
  if (!stamp || !existsSync(files.installed)) return false;
  if (!stamp.pty && canCompile()) return false;
  return stamp.lock === sha256(files.lock) && stamp.installed === sha256(files.installed);
}

function buildCurrent(): boolean {
  return existsSync(files.builtFrom) && readFileSync(files.builtFrom, 'utf8') === hashInputs(root);
}

// -- Debian packages ----------------------------------------------------------------------------------------------------

/** As root on Debian, but not again within the hour after it failed for the same packages, unless set-up itself was asked. */
function worthInstalling(names: readonly string[]): boolean {
  if (names.length === 0 || !isRoot() || !isDebian()) return false;
  if (process.env.npm_lifecycle_event === 'setup' || !existsSync(files.aptFailed)) return true;
  const failed = readJson(files.aptFailed) as { names: string[]; at: number };
  return Date.now() - failed.at > 3_600_000 || failed.names.join() !== names.join();
}

function debianStep(): void {
  let missing = missingPackages();
  const names = missing.map(({ name }) => name);
  if (worthInstalling(names)) {
    say(`installing missing Debian packages: ${names.join(' ')}`);
    missing = installPackages(missing);
    if (missing.length === 0) say('installed all of them');
    rmSync(files.aptFailed, { force: true });
    if (missing.length > 0) {
      say('not all of them could be had; is there a Debian mirror within reach? Going on with what works.');
      mkdirSync(dirname(files.aptFailed), { recursive: true });
      writeFileSync(
        files.aptFailed,
        JSON.stringify({ names: missing.map(({ name }) => name), at: Date.now() }),
      );
    }
  }
  tellMissing(missing);
}

function tellMissing(missing: ReturnType<typeof missingPackages>): void {
  if (missing.length === 0) return;
  const what = missing.map(({ command }) => command).join(', ');
  const remedy = isDebian()
    ? `as root: ${installCommand(missing)}`
    : 'install them for the tests that need them';
  say(`this machine has no ${what}; what needs them is skipped (${remedy})`);
}

// -- npm packages -------------------------------------------------------------------------------------------------------

/** Where this very Node is; `npm ci` deletes node_modules, so then it has moved out of there. */
let node = process.execPath;

/** npm, run by Node 24: by path when npm started us, so that no version manager puts another Node in between. */
function npm(args: readonly string[]): boolean {
  const path = process.env.npm_execpath;
  const [command, ...first] = path && basename(path) === 'npm-cli.js' ? [node, path] : ['npm'];
  const headers = at('node_modules', platformPackage);
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    PATH: [dirname(node), process.env.PATH].join(delimiter),
    // node-gyp would download the headers from nodejs.org. The second name outranks whatever the user's .npmrc says.
    npm_config_nodedir: headers,
    npm_package_config_node_gyp_nodedir: headers,
  };
  delete env.npm_config_local_prefix;
  const { status } = spawnSync(
    command as string,
    [...first, ...args, '--loglevel=error', '--no-update-notifier'],
    {
      cwd: root,
      env,
      stdio: ['ignore', 2, 2],
    },
  );
  return status === 0;
}

function installedAsLocked(): boolean {
  if (!existsSync(files.installed) || !existsSync(at('node_modules', platformPackage, 'bin/node')))
    return false;
  return differences(readLock(files.lock), readLock(files.installed), thisPlatform()).length === 0;
}

function packagesStep(): void {
  const lock = readLock(files.lock);
  rmSync(files.stamp, { force: true });
  if (!installedAsLocked()) {
    const started = performance.now();
    say('installing the packages of the lockfile');
    moveNodeAway();
    // NODE_ENV=production or a line in ~/.npmrc may leave out what the build needs; scripts run below, by name.
    if (!npm(['ci', '--ignore-scripts', '--include=dev', '--include=optional', '--no-audit', '--no-fund'])) {
      throw new Error(
        'npm could not install the packages of the lockfile; what it said is above. Then run: npm run setup',
      );
    }
    for (const difference of differences(lock, readLock(files.installed), thisPlatform())) {
      say(`npm left the lockfile: ${difference}`);
    }
    say(`packages installed in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  }
  const pty = runApprovedScripts();
  placeNode();
  const stamp: Stamp = { lock: sha256(files.lock), installed: sha256(files.installed), pty };
  writeFileSync(`${files.stamp}.new`, JSON.stringify(stamp));
  renameSync(`${files.stamp}.new`, files.stamp);
}

function moveNodeAway(): void {
  const installed = at('node_modules', platformPackage);
  if (dirname(dirname(node)) !== installed) return;
  const kept = join(files.keptNode, `${platformPackage}-${process.versions.node}`);
  rmSync(kept, { recursive: true, force: true });
  mkdirSync(files.keptNode, { recursive: true });
  renameSync(installed, kept);
  node = join(kept, 'bin/node');
}

/** Puts the platform's binary where the `node` package has it; that package's own script would fetch it unhashed. */
function placeNode(): void {
  const target = at('node_modules/node/bin/node');
  const source = at('node_modules', platformPackage, 'bin/node');
  mkdirSync(dirname(target), { recursive: true });
  rmSync(`${target}.new`, { force: true });
  try {
    linkSync(source, `${target}.new`);
  } catch {
    copyFileSync(source, `${target}.new`); // a file system without hard links
  }
  renameSync(`${target}.new`, target);
  // `npm run` looks here first. npm itself links nothing when two packages bring the same command.
  const link = at('node_modules/.bin/node');
  rmSync(link, { force: true });
  symlinkSync('../node/bin/node', link);
}

/** The install scripts that package.json approves, and no others. Returns whether node-pty works. */
function runApprovedScripts(): boolean {
  const { allowScripts } = readJson(at('package.json')) as { allowScripts: Record<string, boolean> };
  const approved = Object.keys(allowScripts).filter((name) => allowScripts[name]);
  const works = () => spawnSync(node, ['-e', 'require("node-pty")'], { cwd: root }).status === 0;
  if (works()) return true;
  if (canCompile()) {
    say(`running the approved install scripts of ${approved.join(', ')}`);
    if (npm(['rebuild', ...approved, '--ignore-scripts=false']) && works()) return true;
  }
  say('node-pty could not be compiled (it needs g++, make and python3): interactive shells will not work.');
  return false;
}

// -- All of it ----------------------------------------------------------------------------------------------------------

async function setUp(): Promise<void> {
  const started = performance.now();
  debianStep();
  if (!packagesCurrent()) packagesStep();
  if (!buildCurrent()) {
    const { build } = await import('./build.ts');
    await build(root);
  }
  // This very process may run from there; on Linux its file may go while it runs.
  for (const name of readdirSync(files.keptNode).filter((name) => /^node-|^fetch$/.test(name))) {
    rmSync(join(files.keptNode, name), { recursive: true, force: true });
  }
  say(`ready (${((performance.now() - started) / 1000).toFixed(1)} s)`);
}

const missing = missingPackages();
if (process.argv.includes('--check')) {
  const current = packagesCurrent() && buildCurrent() && !worthInstalling(missing.map(({ name }) => name));
  if (current) tellMissing(missing);
  process.exitCode = current ? 0 : 1;
} else {
  setUp().catch((error: unknown) => {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  });
}
