import { expect, test } from 'vitest';
import { BorealisError } from '../../src/protocol/errors.ts';
import { patiently } from '../../src/wg/patience.ts';

test('one that hangs is waited for once; one that answers, or was silent long ago, as long as ever', async () => {
  let now = 0;
  const hung = new Set(['borealis0']);
  const waited: number[] = [];
  const ask = patiently(
    async (name, _request, limit) => {
      if (!hung.has(name)) return 'errno=0\n\n';
      waited.push(limit);
      now += limit;
      throw new BorealisError('TIMED_OUT');
    },
    () => now,
  );
  const silent = () => expect(ask('borealis0', 'get=1\n\n')).rejects.toMatchObject({ code: 'TIMED_OUT' });
  await silent();
  const [full = 0] = waited;
  await silent();
  await silent();
  expect(waited.slice(1).every((limit) => limit < full / 2)).toBe(true);
  hung.clear();
  expect(await ask('borealis0', 'get=1\n\n')).toBe('errno=0\n\n');
  hung.add('borealis0').add('borealis1');
  await silent();
  await expect(ask('borealis1', 'get=1\n\n')).rejects.toMatchObject({ code: 'TIMED_OUT' });
  now += 60_000;
  await silent();
  expect(waited.slice(3)).toEqual([full, full, full]);
});
