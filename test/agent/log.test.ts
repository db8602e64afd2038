import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AgentLogFile } from '../../src/agent/log.ts';
import { newEnrolmentCode } from '../../src/crypto/secret-code.ts';
import { systemClock } from '../../src/sys/clock.ts';
import { temporary } from './parts.ts';

let folder: ReturnType<typeof temporary>;
let file: AgentLogFile;
let told: string;
beforeEach(() => {
  folder = temporary();
  told = '';
  const directory = join(folder.directory, 'logs');
  mkdirSync(directory);
  const echo = { write: (line: string) => (told += line) };
  file = new AgentLogFile({ directory, level: 'info', days: 1, clock: systemClock, echo });
});
afterEach(async () => {
  file.close();
  await folder.remove();
});

test('why the agent is not connected is told by its code, which was taken for an enrolment code and censored', () => {
  const err = Object.assign(new Error('refused'), { code: 'CERT_HAS_EXPIRED' });
  for (const code of ['PIN_MISMATCH', 'EXPIRED_TOKEN', 'ECONNREFUSED', 'ERR_TLS_CERT_ALTNAME_INVALID'])
    file.log.warn({ code, err }, 'not connected');
  expect(told).not.toContain('[secret]');
  expect(told).toContain('PIN_MISMATCH');
});

test('an enrolment code is censored in every way of writing it', () => {
  const written = Array.from({ length: 1_000 }, () => newEnrolmentCode()).flatMap((code) => [
    code,
    code.replaceAll('-', ''),
    code.replaceAll('-', ' '),
    code.toLowerCase(),
  ]);
  for (const code of written)
    file.log.info({ code, link: `borealis://e/?code=${code}`, request: { code } }, 'x');
  for (const code of written) expect(told.includes(code)).toBe(false);
  const kept = readFileSync(join(folder.directory, 'logs', `borealis-agent-${today()}.log`), 'utf8');
  expect(kept).toBe(told);
});

const today = (): string => new Date(systemClock.now()).toISOString().slice(0, 10);
