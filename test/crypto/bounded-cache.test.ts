import { expect, it } from 'vitest';
import { BoundedCache } from '../../src/crypto/bounded-cache.ts';

it('never holds more than its capacity, whoever asks', () => {
  const cache = new BoundedCache<number>(100);
  for (let index = 0; index < 10_000; index++) {
    cache.get(`key ${index}`, () => index);
    expect(cache.size).toBeLessThanOrEqual(100);
  }
});

it('keeps what is in use while strangers pass by', () => {
  const cache = new BoundedCache<object>(100);
  const kept = cache.get('in use', () => ({}));
  for (let index = 0; index < 1_000; index++) {
    cache.get(`stranger ${index}`, () => ({}));
    expect(cache.get('in use', () => ({}))).toBe(kept);
  }
});

it('makes each value once while it is kept', () => {
  const cache = new BoundedCache<number>(10);
  let made = 0;
  for (let round = 0; round < 5; round++) cache.get('one', () => ++made);
  expect(made).toBe(1);
});
