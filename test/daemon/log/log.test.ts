import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Call, ParsedInputOf } from '../../../src/daemon/capability.ts';
import { createLogger, DailyLog, logFiles } from '../../../src/daemon/log/logger.ts';
import { logOperations } from '../../../src/daemon/log/operations.ts';
import type { LogLine } from '../../../src/protocol/engine.ts';

const DAY_MS = 86_400_000;
let directory: string;
let now: number;
let log: DailyLog;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'borealis-log-'));
  now = Date.parse('2026-03-01T12:00:00Z');
  log = open();
});
afterEach(() => {
  log.close();
  rmSync(directory, { recursive: true });
});

const open = (): DailyLog =>
  new DailyLog({
    directory,
    level: 'trace',
    clock: { now: () => now, monotonic: () => now },
    retentionDays: () => 2,
  });

const read = (
  input: Partial<ParsedInputOf<'log.read'>>,
  signal = new AbortController().signal,
): AsyncIterable<LogLine> =>
  logOperations({ log })['log.read']({ lines: 100, follow: false, ...input }, { signal } as Call);

const messages = async (input: Partial<ParsedInputOf<'log.read'>>): Promise<string[]> => {
  const found: string[] = [];
  for await (const line of read(input)) found.push(line.msg);
  return found;
};

test('a file a day, readable by its owner only; old ones go', () => {
  const logger = createLogger(log, 'info');
  for (let day = 0; day < 5; day++) {
    logger.info(`day ${day}`);
    now += DAY_MS;
  }
  expect(readdirSync(directory)).toEqual([
    'borealisd-2026-03-03.log',
    'borealisd-2026-03-04.log',
    'borealisd-2026-03-05.log',
  ]);
  for (const file of logFiles(directory)) expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('fields that could carry a secret are blotted out', () => {
  const logger = createLogger(log, 'info');
  logger.info({ passphrase: 'p1', nested: { token: 't1', authorization: 'a1' }, code: 'c1' }, 'hello');
  logger.info({ code: 'DISK_FULL' }, 'an error');
  const text = readFileSync(logFiles(directory)[0]!, 'utf8');
  expect(text).not.toMatch(/p1|t1|a1|"c1"/);
  expect(text).toContain('[secret]');
  // Error codes are what one searches a log for.
  expect(text).toContain('DISK_FULL');
});

test('the last lines, over files, by component and level', async () => {
  const logger = createLogger(log, 'trace');
  const trust = logger.child({ component: 'trust' });
  logger.info('one');
  trust.warn('two');
  now += DAY_MS;
  trust.debug('three');
  logger.error('four');
  expect(await messages({})).toEqual(['one', 'two', 'three', 'four']);
  expect(await messages({ lines: 2 })).toEqual(['three', 'four']);
  expect(await messages({ component: 'trust' })).toEqual(['two', 'three']);
  expect(await messages({ level: 'warn' })).toEqual(['two', 'four']);
  expect(await messages({ lines: 0 })).toEqual([]);
});

test('a long file is read from its end, lines over block borders whole', async () => {
  const line = (n: number): string =>
    `{"level":"info","time":"2026-03-01T12:00:00.000Z","component":"x","msg":"${n} ${'é'.repeat(500)}"}\n`;
  writeFileSync(logFiles(directory)[0]!, Array.from({ length: 2_000 }, (_, n) => line(n)).join(''));
  const found = await messages({ lines: 1_500 });
  expect(found.map((message) => Number(message.split(' ')[0]))).toEqual(
    Array.from({ length: 1_500 }, (_, i) => i + 500),
  );
});

test('a flood of one kind is a minute of sixty lines and a number; other kinds are told meanwhile', async () => {
  const logger = createLogger(log, 'info');
  for (let n = 0; n < 10_000; n++) logger.info({ address: `192.0.2.${n % 250}` }, 'refused');
  logger.warn('something else');
  now += 60_000;
  logger.warn('later');
  logger.info('refused');
  const found = await messages({ lines: 1_000 });
  expect(found.filter((message) => message === 'refused')).toHaveLength(61);
  expect(found.slice(60)).toEqual([
    'something else',
    'lines were left out, being too many of one kind',
    'later',
    'refused',
  ]);
  expect(readFileSync(logFiles(directory)[0]!, 'utf8')).toContain('"left_out":9940,"like":"refused"');
});

test('the end of the engine, and what a talkative level asked for, is never left out', async () => {
  const logger = createLogger(log, 'trace');
  for (let n = 0; n < 200; n++) logger.debug('detail');
  for (let n = 0; n < 200; n++) logger.fatal('the end');
  expect(await messages({ lines: 1_000 })).toHaveLength(400);
});

test('a link in the place of today’s file is not followed', () => {
  log.close();
  rmSync(logFiles(directory)[0]!);
  const elsewhere = join(directory, 'elsewhere');
  symlinkSync(elsewhere, join(directory, 'borealisd-2026-03-01.log'));
  expect(open).toThrow(/ELOOP/);
  expect(existsSync(elsewhere)).toBe(false);
});

test('a line that was cut off by a crash is passed over', async () => {
  createLogger(log, 'info').info('whole');
  appendFileSync(logFiles(directory)[0]!, '{"level":"info","ti');
  expect(await messages({})).toEqual(['whole']);
});

test('following gives what is there, then each new line once, and ends with its caller', async () => {
  const logger = createLogger(log, 'info');
  logger.info('before');
  const stop = new AbortController();
  const found: string[] = [];
  for await (const line of read({ follow: true }, stop.signal)) {
    found.push(line.msg);
    if (found.length === 1) for (const message of ['a', 'b', 'c']) logger.info(message);
    if (line.msg === 'c') stop.abort();
  }
  expect(found).toEqual(['before', 'a', 'b', 'c']);
});
