import { expect, test } from 'vitest';
import { editDistance, nearest } from '../../../src/commands/manner/nearest.ts';

test('letters changed, added, left out, swapped', () => {
  expect([
    editDistance('list', 'list'),
    editDistance('lst', 'list'),
    editDistance('lsit', 'list'),
    editDistance('', 'abc'),
  ]).toEqual([0, 1, 1, 3]);
});

test('the nearest is named, the far ones are not', () => {
  const verbs = ['list', 'show', 'rename', 'tag', 'quarantine', 'release', 'revoke', 'remove'];
  expect(nearest('lst', verbs)).toEqual(['list']);
  expect(nearest('quarentine', verbs)).toEqual(['quarantine']);
  expect(nearest('quar', verbs)).toEqual(['quarantine']);
  expect(nearest('re', verbs)).toEqual(['rename', 'release', 'revoke']);
  expect(nearest('xyzzy', verbs)).toEqual([]);
});
