/**
 * Runs the tests that have machines of their own (test/lab), or those whose path has one of the given words in it:
 *
 *   npm run test:lab                    all of them
 *   npm run test:lab -- faults shell    test/lab/faults.lab.test.ts, test/lab/shell.lab.test.ts, …
 *
 * What follows a second `--` goes to vitest.
 */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const given = process.argv.slice(2);
const end = given.includes('--') ? given.indexOf('--') : given.length;
const [names, rest] = [given.slice(0, end), given.slice(end + 1)];

const all = globSync('test/**/*.lab.test.ts', { cwd: root }).sort();
const wanted = (file: string): boolean => names.length === 0 || names.some((name) => file.includes(name));
const unknown = names.filter((name) => !all.some((file) => file.includes(name)));
if (unknown.length > 0) {
  process.stderr.write(`borealis: no lab test is called ${unknown.join(', ')}; there are:\n`);
  for (const file of all) process.stderr.write(`  ${file}\n`);
  process.exitCode = 2;
} else {
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const { status } = spawnSync(process.execPath, [vitest, 'run', ...all.filter(wanted), ...rest], {
    cwd: root,
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
}
