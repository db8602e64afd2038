/** What is wrong with a value, in words for whoever wrote it; limits and types, never the value. */
import type { z } from 'zod';

/** Zod's own sentences begin so; one that a schema brings is left as it is. */
const OF_ZOD = /^(Too (small|big)|Invalid (option|input|string))\b/;
const UNITS: Readonly<Record<string, string>> = { string: 'characters', array: 'entries', object: 'fields' };

export const issueWords = (issue: z.core.$ZodIssue): string => {
  if (!OF_ZOD.test(issue.message)) return issue.message;
  if (issue.code === 'too_small') return limit(issue.origin, 'at least', issue.minimum);
  if (issue.code === 'too_big') return limit(issue.origin, 'at most', issue.maximum);
  if (issue.code === 'invalid_value') return `must be ${alternatives(issue.values.map(String))}`;
  return issue.message.replace(/^Invalid input: /, '');
};

const limit = (origin: string, bound: string, count: number | bigint): string => {
  const unit = UNITS[origin];
  return unit === undefined ? `must be ${bound} ${count}` : `must have ${bound} ${count} ${unit}`;
};

const alternatives = (values: readonly string[]): string =>
  values.length > 1 ? `one of ${values.join(', ')}` : `${values[0]}`;
