// Prints the path of a Node 24 that is exactly the one in package-lock.json, fetching it when there is none yet.
// The one script that must run under whatever Node >= 20 the machine has: plain JavaScript, built-in modules only.
//
// npm resolves optional packages by the Node it runs under, so `npm ci` itself has to run under Node 24. The platform
// package is a line of the lockfile like any other: npm checks its hash here and again in `npm ci`.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** @param {string} message @returns {never} */
function fail(message) {
  process.stderr.write(`borealis: ${message}\n`);
  process.exit(1);
}

const [major = 0] = process.versions.node.split('.').map(Number);
if (major < 20) fail(`Node.js 20 or later is needed to begin; this is ${process.version}.`);

const name = `node-${process.platform}-${process.arch}`;
const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const entry = lock.packages[`node_modules/${name}`];
if (!entry) fail(`there is no Node 24 for ${process.platform} on ${process.arch} in package-lock.json.`);

const installed = resolve('node_modules', name);
const kept = resolve('.node', `${name}-${entry.version}`);
/** @param {string} folder */
const complete = (folder) => {
  try {
    const version = execFileSync(`${folder}/bin/node`, ['--version'], {
      encoding: 'utf8',
      stdio: 'pipe',
    }).trim();
    return version === `v${entry.version}` && existsSync(`${folder}/include/node/node_api.h`);
  } catch {
    return false; // missing, cut off, or not for this machine: fetched anew
  }
};

// Half a package looks like a whole one. Only a finished set-up leaves its stamp, so only then is the installed one trusted.
if (existsSync('node_modules/.borealis-setup.json') && complete(installed)) {
  process.stdout.write(`${installed}/bin/node\n`);
} else {
  if (!complete(kept)) fetchNode();
  process.stdout.write(`${kept}/bin/node\n`);
}

function fetchNode() {
  process.stderr.write(`borealis: fetching Node ${entry.version} (${name}) from the npm registry\n`);
  const scratch = resolve('.node', 'fetch');
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { recursive: true });
  const root = { name: 'borealis-node', version: '0.0.0', dependencies: { [name]: entry.version } };
  writeFileSync(`${scratch}/package.json`, JSON.stringify({ ...root, private: true }));
  writeFileSync(
    `${scratch}/package-lock.json`,
    JSON.stringify({
      ...root,
      lockfileVersion: 3,
      packages: { '': root, [`node_modules/${name}`]: { ...entry, optional: undefined } },
    }),
  );
  const env = { ...process.env };
  // `npm run` tells its children which project they belong to; this one is another.
  delete env.npm_config_local_prefix;
  const npm = spawnSync(
    'npm',
    ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--no-update-notifier'],
    {
      cwd: scratch,
      env,
      stdio: ['ignore', 2, 2],
    },
  );
  if (npm.status !== 0 || !complete(`${scratch}/node_modules/${name}`)) {
    fail(
      `Node ${entry.version} could not be fetched: npm must reach a registry that has ${name}@${entry.version}.`,
    );
  }
  rmSync(kept, { recursive: true, force: true });
  renameSync(`${scratch}/node_modules/${name}`, kept);
  rmSync(scratch, { recursive: true, force: true });
}
