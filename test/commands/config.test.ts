import { chmodSync, writeFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { Place } from '../lab/processes.ts';

const place = new Place();
afterAll(() => place.dispose());

const check = (args: string[], env: Record<string, string> = {}) =>
  place.start('borealisctl', ['config', 'check', ...args], { BOREALIS_STATE: place.path('engine'), ...env })
    .finished;

test('the usual file need not be there, which is said; one that is named must be, as for the engine', async () => {
  expect(await check([])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^There is no .*borealisd\.toml: every setting has its default\.$/m),
  });
  const none = place.path('none.toml');
  expect(await check([none])).toMatchObject({ code: 2, stderr: expect.stringContaining('does not exist') });
  expect(await check([], { BOREALIS_CONFIG: none })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('does not exist'),
  });
});

test('what the engine would not take is not right', async () => {
  const file = place.path('some.toml');
  writeFileSync(file, 'log_level = "info"\n', { mode: 0o600 });
  expect(await check([file])).toMatchObject({ code: 0, stdout: `${file} is right: 1 setting.\n` });
  chmodSync(file, 0o666);
  const { code, stdout } = await check([file]);
  expect([code, stdout]).toEqual([2, expect.stringContaining(`everybody can change ${file}`)]);
  const engine = await place.start('borealisd', ['--config', file, '--state', place.path('other')]).finished;
  expect(engine.code).toBe(2);
});

test('a mistyped variable is named with the one that was meant; by the engine too, which starts all the same', async () => {
  const file = place.path('right.toml');
  writeFileSync(file, 'log_level = "info"\n', { mode: 0o600 });
  const { code, stdout } = await check([file], { BOREALIS_LISTN_PORT: '8444' });
  expect([code, stdout]).toEqual([
    2,
    '✗ BOREALIS_LISTN_PORT: there is no such variable, so it is left out (did you mean BOREALIS_LISTEN?).\n',
  ]);
  const engine = await place.startEngine([], { BOREALIS_LISTN_PORT: '8444' });
  expect(engine.stderr).toContain('"variable":"BOREALIS_LISTN_PORT","nearest":"BOREALIS_LISTEN"');
  const checks = await place.client.call('doctor.check', {});
  expect(checks.find(({ id }) => id === 'environment')).toMatchObject({
    state: 'warn',
    message: expect.stringContaining('BOREALIS_LISTN_PORT (BOREALIS_LISTEN is one)'),
  });
  await engine.kill('SIGTERM');
});
