/** What the build is made from, as one hash: the same hash means that dist/ is what a new build would make. */
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const patterns = [
  'src/**/*.{ts,tsx,json}',
  'scripts/*.{ts,mjs}',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
];

export function hashInputs(root: string): string {
  const hash = createHash('sha256');
  for (const file of globSync(patterns, { cwd: root }).sort()) {
    hash
      .update(file)
      .update('\0')
      .update(readFileSync(join(root, file)))
      .update('\0');
  }
  return hash.update(process.version).digest('hex');
}
