import { expect, test } from 'vitest';
import { counted } from '../../src/text/counted.ts';

test.each([
  [[], ''],
  [['ada'], 'ada'],
  [['ada', 'bob', 'ada'], 'ada ×2, bob'],
])('%j are %j', (names, text) => expect(counted(names)).toBe(text));
