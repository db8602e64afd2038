/** adjtimex(2), read only: what the kernel knows of how well the clock is kept. */
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import type { ClockSynchronisation } from './clock.ts';
import { libc } from './libc.linux.ts';

/** struct timex where long has 64 bits: 208 bytes; `modes` 0 asks without changing anything. */
const TIMEX_BYTES = 208;
const AT = { offset: 8, estimatedError: 32, status: 40 } as const;
const STA_UNSYNC = 0x0040;
/** `offset` is in nanoseconds, otherwise in microseconds. */
const STA_NANO = 0x2000;

/** Names of processes, cut at 15 bytes as the kernel does. */
const TIME_SERVICES: ReadonlySet<string> = new Set([
  'chronyd',
  'systemd-timesyn',
  'ntpd',
  'ntpd-rs',
  'openntpd',
  'ntpdate',
  'ptp4l',
  'phc2sys',
  'VBoxService',
  'vmtoolsd',
]);

type Adjtimex = (timex: Buffer) => number;

export const readClockState = async (): Promise<ClockSynchronisation> => {
  const timex = Buffer.alloc(TIMEX_BYTES);
  const state = libc().function<Adjtimex>('int adjtimex(void *timex)')(timex);
  const source = await timeService();
  if (state < 0) return { synchronised: null, offsetMs: null, estimatedErrorMs: null, source };
  const status = timex.readInt32LE(AT.status);
  // TIME_ERROR also comes with lost PPS signals; whether the clock is kept is this flag's to say.
  const synchronised = (status & STA_UNSYNC) === 0;
  if (!synchronised) return { synchronised, offsetMs: null, estimatedErrorMs: null, source };
  return {
    synchronised,
    offsetMs: Number(timex.readBigInt64LE(AT.offset)) / (status & STA_NANO ? 1e6 : 1e3),
    estimatedErrorMs: Number(timex.readBigInt64LE(AT.estimatedError)) / 1e3,
    source,
  };
};

const timeService = async (): Promise<string | null> => {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const name = nameOf(pid);
    if (TIME_SERVICES.has(name)) return name;
  }
  return null;
};

const nameOf = (pid: string): string => {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd();
  } catch {
    return ''; // ended meanwhile, or hidden
  }
};
