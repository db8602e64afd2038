import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfig as loadAgentConfig } from '../../src/agent/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import { readTrustedFile } from '../../src/sys/trusted-file.ts';
import { requires } from '../require.ts';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'borealis-trusted-'));
  file = join(directory, 'config.toml');
  writeFileSync(file, 'log_level = "warn"\n', { mode: 0o644 });
});
afterEach(() => rmSync(directory, { recursive: true }));

const refused = expect.objectContaining({
  code: 'CONFIG_INVALID',
  message: expect.stringContaining('change'),
});
const engine = () => loadConfig({ state: directory, file, env: {}, flags: {} });
const agent = () => loadAgentConfig({ state: directory, file, env: {} });

test('a configuration that everybody reads and only its owner writes is taken', () => {
  expect(readTrustedFile(file)).toBe('log_level = "warn"\n');
  expect([engine().config.log_level, agent().config.log_level]).toEqual(['warn', 'warn']);
});

test('one that everybody may write is not: it says what runs as root', () => {
  chmodSync(file, 0o666);
  for (const load of [engine, agent]) expect(load).toThrow(refused);
  const link = join(directory, 'link');
  symlinkSync(file, link);
  expect(() => readTrustedFile(link)).toThrow(refused);
});

test('nor is one that belongs to another user', requires('root'), () => {
  chownSync(file, 65_534, 65_534);
  for (const load of [engine, agent]) expect(load).toThrow(refused);
});

test('a pipe in its place holds nobody up', requires('linux'), () => {
  rmSync(file);
  execFileSync('mkfifo', ['-m', '600', file]);
  expect(readTrustedFile(file)).toBe('');
});
