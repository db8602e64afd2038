import { describe, expect, test } from 'vitest';
import { machineFacts } from '../../src/agent/machine.ts';
import { label, machineText } from '../../src/protocol/scalars.ts';

const names = ['web-1', 'Büro 2', '東京', 'сервер', 'a.b_c@d', '$(reboot)', 'x'.repeat(128)];
/** Escape sequences, directions, zero widths, separators, fillers, an empty braille pattern. */
const hostile = [
  'web\u001b[2J',
  'web\u009b31m',
  '\u202Ebew',
  'web\u2066',
  'web\u200b1',
  'web\ufeff',
  'web\u2028',
  'web\u3164',
  'web\u115f',
  'web\uffa0',
  'web\u2800',
  'web\n',
  'web\0',
];

describe('what is shown as a name', () => {
  test.each(names)('%s is one', (name) => {
    expect(label.safeParse(name).success).toBe(true);
    expect(machineText.safeParse(name).success).toBe(true);
  });

  test.each(hostile.map((name) => [JSON.stringify(name), name]))('%s is none', (_shown, name) => {
    expect(label.safeParse(name).success).toBe(false);
    expect(machineText.safeParse(name).success).toBe(false);
  });

  test('a host that is called so all the same says of itself what can be read', () => {
    for (const name of [...hostile, '\u3164', 'x'.repeat(300)])
      expect(machineText.safeParse(machineFacts(name).hostname).success).toBe(true);
  });
});
