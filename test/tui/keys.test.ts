/** The one table of keys: no key twice where it would be heard once, and the document made from it is current. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { globalKeys } from '../../src/tui/keys/global.ts';
import { keysDocument, keyTable } from '../../src/tui/keys/table.ts';

describe.each(keyTable)('%s', (_title, bindings) => {
  test('each key means one thing', () => {
    const keys = Object.values(bindings).flatMap((binding) => binding.keys);
    expect(keys.filter((key, at) => keys.indexOf(key) !== at)).toEqual([]);
  });

  test('each action is said in words', () => {
    for (const { title } of Object.values(bindings)) expect(title).toMatch(/^[A-Z].{4,90}[^.]$/);
  });

  test('the ways to help, to find, to command and to leave are never taken', () => {
    if (bindings === globalKeys) return;
    const kept = [globalKeys.help, globalKeys.palette, globalKeys.command, globalKeys.quit].flatMap(
      ({ keys }) => [...keys],
    );
    const taken = Object.values(bindings).flatMap(({ keys }) =>
      keys.filter((key) => (kept as string[]).includes(key)),
    );
    expect(taken).toEqual([]);
  });
});

test('docs/keys.md is what the table says', () => {
  expect(readFileSync(join(import.meta.dirname, '../../docs/keys.md'), 'utf8')).toBe(keysDocument());
});
