/** Milliseconds since 1970 as RFC 3339 text. A page of devices has thousands of them, mostly of the same few days. */
const DAY_MS = 86_400_000;
/** The last millisecond that is written with a year of four digits. */
const LAST = 253_402_300_799_999;

const padded = (count: number, digits: number): readonly string[] =>
  Array.from({ length: count }, (_, number) => String(number).padStart(digits, '0'));
const TWO = padded(60, 2);
const THREE = padded(1_000, 3);

const dates = new Map<number, string>();
const DATES_KEPT = 1_000;

const dateOf = (day: number): string => {
  const known = dates.get(day);
  if (known !== undefined) return known;
  if (dates.size >= DATES_KEPT) dates.clear();
  const date = new Date(day * DAY_MS).toISOString().slice(0, 10);
  dates.set(day, date);
  return date;
};

/** What Date.prototype.toISOString writes, at a fifth of its price. Errors: RangeError where that throws it. */
export const timestampOf = (at: number): string => {
  if (!(at >= 0 && at <= LAST)) return new Date(at).toISOString();
  const day = Math.floor(at / DAY_MS);
  const ms = Math.floor(at) - day * DAY_MS;
  const seconds = Math.floor(ms / 1_000);
  const minutes = Math.floor(seconds / 60);
  return `${dateOf(day)}T${TWO[Math.floor(minutes / 60)]}:${TWO[minutes % 60]}:${TWO[seconds % 60]}.${THREE[ms % 1_000]}Z`;
};
