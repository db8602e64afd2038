/** How long ago, in few letters: `now`, `12 s`, `4 min`, `3 h`, `12 d`. Seconds go by fives: a list of ages stands still. */

export const age = (moment: string | null, now: number): string => {
  if (moment === null) return '';
  const seconds = Math.max(0, (now - Date.parse(moment)) / 1_000);
  if (seconds < 5) return 'now';
  if (seconds < 90) return `${Math.floor(seconds / 5) * 5} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129_600) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
};

/** `3 min ago`, `just now`. */
export const ago = (moment: string | null, now: number): string => {
  const since = age(moment, now);
  return since === 'now' ? 'just now' : `${since} ago`;
};

/** Until then: `in 3 h`, or `over`. */
export const left = (moment: string, now: number): string => {
  const seconds = (Date.parse(moment) - now) / 1_000;
  if (seconds <= 0) return 'over';
  if (seconds < 5_400) return `in ${Math.ceil(seconds / 60)} min`;
  return seconds < 129_600 ? `in ${Math.round(seconds / 3_600)} h` : `in ${Math.round(seconds / 86_400)} d`;
};

/** The time of day, as the user's clock has it. */
export const clock = (moment: string | number): string => {
  const at = new Date(moment);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
};

/** Date and time, for what may be long ago. */
export const dateTime = (moment: string): string => {
  const at = new Date(moment);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock(moment)}`;
};
