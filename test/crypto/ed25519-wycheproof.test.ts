/** Every one of Wycheproof's Ed25519 vectors (vectors/README.md), with both implementations. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { nobleEd25519, nodeEd25519 } from '../../src/crypto/ed25519.ts';

const hex = z.hex().transform((text) => Buffer.from(text, 'hex'));
const file = z.object({
  numberOfTests: z.number(),
  testGroups: z.array(
    z.object({
      type: z.literal('EddsaVerify'),
      publicKey: z.object({ curve: z.literal('edwards25519'), pk: hex }),
      tests: z.array(
        z.object({
          tcId: z.number(),
          comment: z.string(),
          flags: z.array(z.string()),
          msg: hex,
          sig: hex,
          // Ed25519 knows no vector that may go either way.
          result: z.enum(['valid', 'invalid']),
        }),
      ),
    }),
  ),
});
const { numberOfTests, testGroups } = file.parse(
  JSON.parse(readFileSync(join(import.meta.dirname, 'vectors/ed25519_test.json'), 'utf8')),
);
const vectors = testGroups.flatMap(({ publicKey, tests }) =>
  tests.map((vector) => ({ ...vector, key: publicKey.pk, name: vector.comment || vector.flags.join(', ') })),
);

test('all of the file is here', () => {
  expect(vectors).toHaveLength(numberOfTests);
  expect(new Set(vectors.map(({ result }) => result))).toEqual(new Set(['valid', 'invalid']));
});

describe.each(Object.entries({ noble: nobleEd25519, node: nodeEd25519 }))('%s', (_name, ed) => {
  test.each(vectors)('$tcId: $name', ({ sig, msg, key, result }) => {
    expect(ed.verify(sig, msg, key)).toBe(result === 'valid');
  });
});
