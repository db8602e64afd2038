import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { unknownVariables } from '../../src/config/environment.ts';
import { checkConfig, withSetting } from '../../src/config/file.ts';
import { loadConfig } from '../../src/config/load.ts';
import { environmentName, parseHostPort, SETTING_KEYS, SETTINGS } from '../../src/config/settings.ts';
import { BorealisError } from '../../src/protocol/errors.ts';

const root = join(import.meta.dirname, '../..');

describe('checking a file', () => {
  test('names line, key and the nearest valid key of each mistake', () => {
    const text =
      '# ours\nlistn = "0.0.0.0:1"\n\nlog_level = "loud"\ntelemetry_retention_days = 0\n[engine]\nx = 1\n';
    const problems = checkConfig(text).problems.map(({ line, key, nearest }) => [line, key, nearest]);
    expect(problems).toEqual([
      [2, 'listn', 'listen'],
      [4, 'log_level', null],
      [5, 'telemetry_retention_days', null],
      [6, 'engine', null],
    ]);
  });

  test.each([
    ['[tunnel]\nport = 1\n', 1, 'tunnel', 'tunnel_port'],
    ['log_level = "info"\n[server]\nlisten = "a:1"\n', 2, 'server', 'listen'],
    ['[[log]]\nx = 1\n', 1, 'log', null],
    ['listen.port = 8443\n', 1, 'listen', null],
    ['retention = { telemetry_retention_days = 7 }\n', 1, 'retention', 'telemetry_retention_days'],
  ] as const)('sections are no settings: %j', (text, line, key, nearest) => {
    expect(checkConfig(text).problems).toMatchObject([{ line, key, nearest }]);
  });

  test('says what would be right, in words', () => {
    const text = 'log_level = "loud"\ntunnel_port = 99999\nrecord_shells = 1\ntelemetry_seconds = "x"\n';
    expect(checkConfig(text).problems.map(({ message }) => message)).toEqual([
      'must be one of trace, debug, info, warn, error, fatal',
      'must be at most 65535',
      'must be true or false',
      'expected number, received string',
    ]);
  });

  test.each([
    ...['10.255.0.0/16', '10.0.0.0/8', '192.168.7.8/30', '172.16.0.0/12'].map((text) => [text, 0] as const),
    ...[
      '1.2.3.4/40',
      '10.255.0.1/16',
      '10.0.0.0/7',
      '10.0.0.0/31',
      '256.0.0.0/8',
      '10.0.0.0',
      'fd00::/16',
      '',
    ].map((text) => [text, 1] as const),
  ])('tunnel_network = "%s": %d mistakes', (text, mistakes) => {
    expect(checkConfig(`tunnel_network = "${text}"\n`).problems).toHaveLength(mistakes);
  });

  test('a file that is not TOML is named with its line, not thrown', () => {
    const { problems, values } = checkConfig('log_level = "info"\nlisten = \n');
    expect(values).toEqual({});
    expect(problems).toMatchObject([{ line: 2, key: 'listen' }]);
  });

  test('the right type is demanded: a number as text is a mistake in a file', () => {
    expect(checkConfig('telemetry_retention_days = "7"').problems).toHaveLength(1);
  });

  test('whatever the text, it answers', () => {
    fc.assert(
      fc.property(fc.string(), (text) => Array.isArray(checkConfig(text).problems)),
      { numRuns: 500 },
    );
  });
});

describe('changing a file', () => {
  test('keeps comments and everything else', () => {
    const before = '# keep me\ntelemetry_retention_days = 30 # a month\nlog_level = "info"\n';
    expect(withSetting(before, 'telemetry_retention_days', 7)).toBe(
      '# keep me\ntelemetry_retention_days = 7 # a month\nlog_level = "info"\n',
    );
  });

  test('adds a line that says what it is for', () => {
    const after = withSetting('log_level = "info"\n', 'listen', '[::]:9443');
    expect(after).toContain(SETTINGS.listen.summary);
    expect(checkConfig(after)).toEqual({ values: { log_level: 'info', listen: '[::]:9443' }, problems: [] });
  });

  test('a commented-out line is not the setting', () => {
    const after = withSetting('# listen = "a:1"\n', 'listen', 'b:2');
    expect(after).toContain('# listen = "a:1"');
    expect(checkConfig(after).values).toEqual({ listen: 'b:2' });
  });

  test('what was set is what is read, for any text of a value', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (value) => {
        expect(checkConfig(withSetting('log_level = "info"\n', 'socket', value)).values).toEqual({
          log_level: 'info',
          socket: value,
        });
      }),
    );
  });
});

describe('loading', () => {
  let state: string;
  beforeEach(() => {
    state = mkdtempSync(join(tmpdir(), 'borealis-config-'));
  });
  afterEach(() => rmSync(state, { recursive: true }));

  test('file, then environment, then flags; each value knows its source', () => {
    writeFileSync(
      join(state, 'borealisd.toml'),
      'listen = "1.1.1.1:1"\nlog_level = "warn"\njob_retention_days = 5\n',
    );
    const { config, sources } = loadConfig({
      state,
      env: { BOREALIS_LISTEN: '2.2.2.2:2', BOREALIS_LOG_LEVEL: 'error' },
      flags: { listen: '3.3.3.3:3' },
    });
    expect([config.listen, config.log_level, config.job_retention_days]).toEqual(['3.3.3.3:3', 'error', 5]);
    expect([sources.listen, sources.log_level, sources.job_retention_days, sources.socket]).toEqual([
      'flag',
      'environment',
      'file',
      'default',
    ]);
  });

  test('all mistakes are told at once, whatever they came from', () => {
    writeFileSync(join(state, 'borealisd.toml'), 'lisen = "1.1.1.1:1"\n');
    const load = () =>
      loadConfig({ state, env: { BOREALIS_LOG_LEVEL: 'loud' }, flags: { listen: 'nowhere' } });
    expect(load).toThrow(BorealisError);
    expect(load).toThrow(/line 1: lisen: .*did you mean listen/);
    expect(load).toThrow(/BOREALIS_LOG_LEVEL/);
    expect(load).toThrow(/--listen/);
  });

  test('a file that was named must exist; the usual one need not', () => {
    expect(() => loadConfig({ state, env: {}, flags: {} })).not.toThrow();
    expect(() => loadConfig({ state, file: join(state, 'none.toml'), env: {}, flags: {} })).toThrow(
      /cannot be read/,
    );
  });

  test('every setting has a default, a summary and a variable of its own', () => {
    const { config } = loadConfig({ state, env: {}, flags: {} });
    for (const key of SETTING_KEYS) expect([key, config[key]]).not.toContain(undefined);
    expect(new Set(SETTING_KEYS.map(environmentName)).size).toBe(SETTING_KEYS.length);
  });
});

test('HOST:PORT, with IPv6 in brackets', () => {
  expect(parseHostPort('[::1]:8443')).toEqual({ host: '::1', port: 8443 });
  expect(parseHostPort('example.org:0')).toEqual({ host: 'example.org', port: 0 });
  for (const wrong of ['8443', ':8443', '::1:8443', 'h:65536', 'h:-1', 'h:', 'a b:1']) {
    expect(() => parseHostPort(wrong), wrong).toThrow();
  }
});

describe('variables that look like ours', () => {
  test.each([
    ['BOREALIS_LISTN', 'BOREALIS_LISTEN'],
    ['BOREALIS_LISTN_PORT', 'BOREALIS_LISTEN'],
    ['BOREALIS_LISTEN_PORT', 'BOREALIS_LISTEN'],
    ['BOREALIS_RECORD_SHELS', 'BOREALIS_RECORD_SHELLS'],
    ['BOREALIS_STATE_DIR', 'BOREALIS_STATE'],
    ['BOREALIS_ZZZZZZ', null],
  ])('%s is none; %s is', (name, nearest) => {
    expect(unknownVariables({ [name]: 'x' })).toMatchObject([{ line: null, key: name, nearest }]);
  });

  test('settings, places, and what other programs of ours read are known', () => {
    const known = [
      ...SETTING_KEYS.map(environmentName),
      ...['STATE', 'CONFIG', 'HOST', 'DEBUG', 'MASTER_KEY_FILE', 'PASSPHRASE_FILE'].map(
        (name) => `BOREALIS_${name}`,
      ),
      ...['BOREALIS_AGENT_STATE', 'BOREALIS_TEST_ANYTHING', 'BOREALIS_VPN', 'PATH', 'BOREALISX'],
    ];
    expect(unknownVariables(Object.fromEntries(known.map((name) => [name, 'x'])))).toEqual([]);
  });

  test('every variable that a program of ours reads is known', () => {
    const read = globSync('src/**/*.ts', { cwd: root }).flatMap((file) =>
      [...readFileSync(join(root, file), 'utf8').matchAll(/env\.(BOREALIS_[A-Z_]+)/g)].map(
        ([, name]) => name!,
      ),
    );
    expect(read.length).toBeGreaterThan(10);
    expect(unknownVariables(Object.fromEntries(read.map((name) => [name, 'x'])))).toEqual([]);
  });

  test('the engine starts all the same, and says which they are', () => {
    const { unknown } = loadConfig({ state: '/nonexistent', env: { BOREALIS_LISTN: 'x' }, flags: {} });
    expect(unknown).toMatchObject([{ key: 'BOREALIS_LISTN', nearest: 'BOREALIS_LISTEN' }]);
  });
});
