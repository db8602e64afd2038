/** Moments and spans, as people write and read them. */
import { BorealisError } from '../protocol/errors.ts';

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const DURATION = /^(?:\d+(?:\.\d+)?|(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+)$/;

/**
 * `45s`, `90m`, `1.5h`, `7d`, `2w`, `1h30m`; a bare number is seconds. Returns seconds, whole ones unless `parts` may be
 * too. Errors: USAGE.
 */
export const parseDuration = (text: string, { parts = false } = {}): number => {
  if (!DURATION.test(text))
    throw new BorealisError('USAGE', {
      detail: `“${text}” is not a duration.`,
      next: `Write it like ${parts ? '0.5s, ' : ''}45s, 90m, 24h or 7d; a bare number is seconds.`,
    });
  let ms = 0;
  for (const [, count, unit = 's'] of text.matchAll(/([\d.]+)(ms|[smhdw])?/g))
    ms += Number(count) * (UNIT_MS[unit] ?? 0);
  const seconds = Math.round(ms) / 1_000;
  if (parts || Number.isInteger(seconds)) return seconds;
  throw new BorealisError('USAGE', {
    detail: `“${text}” is not a whole number of seconds.`,
    next: 'Write it like 45s, 90m, 24h or 7d.',
  });
};

/** A moment, or how long ago it was: `1h`, `7d`, `2026-01-31`, `2026-01-31T08:00:00Z`. Returns RFC 3339. Errors: USAGE. */
export const parseSince = (text: string, now: number): string => {
  if (DURATION.test(text)) return new Date(now - parseDuration(text, { parts: true }) * 1_000).toISOString();
  const moment = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(moment)) return new Date(moment).toISOString();
  throw new BorealisError('USAGE', {
    detail: `“${text}” is neither a span nor a moment.`,
    next: 'Write it like 1h, 7d or 2026-01-31T08:00:00Z.',
  });
};

/** `2 d 3 h`: the two largest parts. */
export const span = (seconds: number): string => {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return two(whole, 60, 'min', 1, 's');
  if (whole < 86_400) return two(whole, 3_600, 'h', 60, 'min');
  return two(whole, 86_400, 'd', 3_600, 'h');
};

const two = (value: number, large: number, largeName: string, small: number, smallName: string): string => {
  const rest = Math.floor((value % large) / small);
  return `${Math.floor(value / large)} ${largeName}${rest > 0 ? ` ${rest} ${smallName}` : ''}`;
};

/** Milliseconds of work: `8 ms`, `1.4 s`, `2 min 5 s`. */
export const took = (ms: number): string => {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${(ms / 1_000).toFixed(1)} s` : span(ms / 1_000);
};

/** `just now`, `3 min ago`, `in 23 h`: one part is enough. */
export const relative = (moment: string, now: number): string => {
  const seconds = (Date.parse(moment) - now) / 1_000;
  const distance = Math.abs(seconds);
  if (distance < 2) return 'just now';
  const text = onePart(distance);
  return seconds < 0 ? `${text} ago` : `in ${text}`;
};

const onePart = (seconds: number): string => {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129_600) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
};
