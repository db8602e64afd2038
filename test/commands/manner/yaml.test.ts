import { expect, test } from 'vitest';
import { yaml } from '../../../src/commands/manner/yaml.ts';

test('readable, and quoted only where it must be', () => {
  expect(
    yaml({
      name: 'web-1',
      tags: { env: 'prod' },
      site: null,
      contexts: [{ context: 'system', online: true }],
    }),
  ).toBe('name: web-1\ntags:\n  env: prod\nsite: null\ncontexts:\n  - context: system\n    online: true\n');
});

// A JSON string is a YAML string (YAML 1.2 §1.2, flow scalars in double quotes).
test.each([
  ...['yes', 'No', 'null', 'true', '1.0', '0x1f', '', ' x', 'x ', '- a', '#c', 'a: b', '2026-01-01', '1e3'],
  ...[
    '~',
    'multi\nline',
    '東京',
    '!tag',
    '*x',
    '&y',
    "it's",
    '{a}',
    '%',
    'a #b',
    'key:',
    '"',
    '\\',
    '`',
    '@x',
  ],
])('“%s” is quoted: another reader would take it for something else', (text) => {
  expect(yaml({ key: text })).toBe(`key: ${JSON.stringify(text)}\n`);
});

test('what is nested, empty or no text', () => {
  const value = { a: [], b: {}, c: [[1, 2], [{ d: null }]], e: -1.5, f: true, g: undefined };
  expect(yaml(value)).toBe('a: []\nb: {}\nc:\n  - - 1\n    - 2\n  - - d: null\ne: -1.5\nf: true\n');
  expect([yaml([]), yaml({}), yaml('x')]).toEqual(['[]\n', '{}\n', 'x\n']);
});
