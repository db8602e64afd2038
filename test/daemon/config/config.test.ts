import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Client } from '../../../src/client/client.ts';
import { checkConfig } from '../../../src/config/file.ts';
import { TestEngine } from '../engine.ts';

let engine: TestEngine;
let client: Client;
beforeEach(async () => {
  engine = await TestEngine.start({ flags: { log_retention_days: '4' } });
  client = new Client(engine.socket);
});
afterEach(() => engine.close());

const setting = async (key: string) => (await client.call('config.show', {})).find((one) => one.key === key);
const file = (): string => readFileSync(join(engine.state, 'borealisd.toml'), 'utf8');

test('a setting is written, in force at once where it can be, and recorded', async () => {
  expect(await client.call('config.set', { key: 'job_retention_days', value: 5 })).toMatchObject({
    value: 5,
    source: 'file',
  });
  expect(await setting('job_retention_days')).toMatchObject({ value: 5, source: 'file', restart: false });
  expect(file()).toContain('job_retention_days = 5');
  expect(statSync(join(engine.state, 'borealisd.toml')).mode & 0o777).toBe(0o600);
  const [record] = (await client.call('audit.list', { action: 'config.set' })).items;
  expect(record).toMatchObject({ target: 'job_retention_days', detail: { value: 5 }, result: 'done' });
});

test('a flag outranks what is written', async () => {
  await client.call('config.set', { key: 'log_retention_days', value: 9 });
  expect(await setting('log_retention_days')).toMatchObject({ value: 4, source: 'flag' });
  expect(file()).toContain('log_retention_days = 9');
});

test('what needs a restart is in force after it', async () => {
  await client.call('config.set', { key: 'log_level', value: 'warn' });
  expect(await setting('log_level')).toMatchObject({ value: 'info', restart: true });
  await engine.close({ keep: true });
  engine = await TestEngine.start({ state: engine.state });
  client = new Client(engine.socket);
  expect(await setting('log_level')).toMatchObject({ value: 'warn', source: 'file' });
});

test('what is wrong is refused, and the file stays as it was', async () => {
  await client.call('config.set', { key: 'job_retention_days', value: 5 });
  const before = file();
  await expect(client.call('config.set', { key: 'job_retention_day', value: 5 })).rejects.toMatchObject({
    code: 'SETTING_UNKNOWN',
    next: expect.stringContaining('job_retention_days'),
  });
  await expect(client.call('config.set', { key: 'job_retention_days', value: 0 })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
  });
  // Of the value: no line of a file is to blame.
  await expect(client.call('config.set', { key: 'listen', value: 'nowhere' })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    detail: expect.stringMatching(/^listen: must be HOST:PORT/),
    next: expect.stringContaining('config set listen'),
  });
  expect(file()).toBe(before);
});

test.each([
  ['tunnel_network', '1.2.3.4/40', 'IPv4 network'],
  ['socket_group', 'borealis-no-such', 'no group'],
  ['socket', `/${'s'.repeat(200)}`, 'bytes'],
])('what the next start would end with is refused: %s', async (key, value, why) => {
  await expect(client.call('config.set', { key, value })).rejects.toMatchObject({
    detail: expect.stringContaining(why),
  });
  expect(existsSync(join(engine.state, 'borealisd.toml'))).toBe(false);
});

test('settings that are written at the same time do not undo each other', async () => {
  const keys = ['job_retention_days', 'event_retention_days', 'telemetry_seconds', 'certificate_days'];
  await Promise.all(keys.map((key, index) => client.call('config.set', { key, value: 20 + index })));
  for (const [index, key] of keys.entries()) {
    expect(file()).toContain(`${key} = ${20 + index}`);
    expect(await setting(key)).toMatchObject({ value: 20 + index, source: 'file' });
  }
});

test('a value stays a value, whatever is in it: no other setting, table or comment', async () => {
  const values = ['a"\nlog_level = "trace"\n#', "a'''\nlog_level = 'trace'", 'a\\"""', '[[x]] # y', '"""'];
  for (const value of [...values, { log_level: 'trace' }, ['a']])
    await expect(client.call('config.set', { key: 'public_address', value })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  for (const value of values) {
    await client.call('config.set', { key: 'socket', value });
    await client.call('config.set', { key: 'job_retention_days', value: 6 });
    expect(checkConfig(file())).toEqual({ values: { socket: value, job_retention_days: 6 }, problems: [] });
  }
});
