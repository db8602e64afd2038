/** The manual pages: nothing is missing in them, and the real roff has no objection. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { manualPages } from '../../scripts/man.ts';
import { commands } from '../../src/commands/table.ts';
import { binary } from '../lab/processes.ts';
import { requires } from '../require.ts';

const folder = join(import.meta.dirname, '../../man');
const pages = new Map(await manualPages());
const files = ['man1', 'man8'].flatMap((section) =>
  readdirSync(join(folder, section)).map((name) => join(folder, section, name)),
);
const render = (file: string) =>
  spawnSync('groff', ['-man', '-Tutf8', '-P-cbou', '-ww', file], { encoding: 'utf8' });

test('no page is left over', () => {
  expect(readdirSync(join(folder, 'man1')).sort()).toEqual([...pages.keys()].sort());
});

test.each(Object.entries(commands).filter(([, { hidden }]) => !hidden))(
  '%s, with all its flags',
  async (id, { load }) => {
    const page = pages.get(`borealisctl-${id.split(' ', 1)[0]}.1`)?.replaceAll('\\-', '-') ?? '';
    expect(page).toContain(`borealisctl ${id}`);
    for (const name of Object.keys((await load()).default.flags)) expect(page).toContain(`--${name}`);
  },
);

describe('read by groff', requires('groff'), () => {
  test.each(files)('%s', (file) => {
    const { stdout, stderr } = render(file);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^NAME$/m);
  });

  test.each(['borealisd', 'borealis-agent'] as const)('%s(8) has the flags that the program has', (name) => {
    const help = spawnSync(binary(name), ['--help'], { encoding: 'utf8' }).stdout;
    const { stdout } = render(join(folder, 'man8', `${name}.8`));
    for (const flag of help.match(/^ +--[a-z-]+/gm) ?? []) {
      if (!/--help|--version/.test(flag)) expect(stdout).toContain(flag.trim());
    }
    expect(readFileSync(join(folder, 'man8', `${name}.8`), 'utf8')).not.toMatch(/[^\n\x20-\x7e]/);
  });
});
