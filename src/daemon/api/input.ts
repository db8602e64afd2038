/** The input of an operation: put together from path, query and body, then parsed by its schema, strictly. */
import type { z } from 'zod';
import { BorealisError } from '../../protocol/errors.ts';
import { issueWords } from '../../protocol/issue-words.ts';
import type { Route } from './route.ts';

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `body` is the parsed JSON, or undefined where there was none. Errors: INVALID_INPUT. */
export const readInput = (route: Route, path: Fields, query: Fields, body: unknown): unknown => {
  let sent: Fields = query;
  if (!route.fromQuery) {
    const stray = Object.keys(query)[0];
    if (stray !== undefined)
      throw invalid(`${stray}: this operation takes its fields in the body, not in the query.`);
    if (body !== undefined && !isFields(body)) throw invalid('The body is not a JSON object.');
    sent = body ?? {};
  } else if (body !== undefined) {
    // Taken silently, a field in the wrong place would widen what is asked for.
    throw invalid('This operation takes its fields in the query; it has no body.');
  }
  const fields: Record<string, unknown> = { ...sent };
  for (const name of route.fields) {
    if (name in fields && fields[name] !== path[name]) throw invalid(`${name}: the path names another.`);
    fields[name] = path[name];
  }
  const parsed = parse(route.operation.input, fields);
  if (!parsed.success) throw invalid(describeIssues(parsed.error.issues));
  return parsed.data;
};

const parse = (schema: z.ZodType, fields: Fields): z.ZodSafeParseResult<unknown> => {
  try {
    return schema.safeParse(fields);
  } catch (error) {
    // The parser's own recursion gave up: nobody means a value that is nested so deeply.
    if (error instanceof RangeError) throw invalid('It is nested too deeply.');
    throw error;
  }
};

/** The passphrase of an upload travels in a header: queries end up in histories and logs. */
export const PASSPHRASE_HEADER = 'borealis-passphrase';

/** Percent-encoded, because a header holds neither every character nor blanks at either end. Errors: INVALID_INPUT. */
export const readPassphrase = (header: string): string => {
  try {
    return decodeURIComponent(header);
  } catch {
    throw invalid(`${PASSPHRASE_HEADER}: it is not percent-encoded.`);
  }
};

const invalid = (detail: string): BorealisError => new BorealisError('INVALID_INPUT', { detail });

const MOST_NAMED = 5;

/** `work.argv: expected array`, one after the other. Types and limits, never the value. */
export const describeIssues = (issues: readonly z.core.$ZodIssue[]): string => {
  const named = issues.slice(0, MOST_NAMED).map((issue) => {
    const at = issue.path.join('.');
    if (issue.code === 'unrecognized_keys') {
      const keys = issue.keys.map((key) => (at ? `${at}.${key}` : key)).join(', ');
      return `${keys}: there is no such field`;
    }
    const message = issueWords(issue);
    return at ? `${at}: ${message}` : message;
  });
  const more = issues.length > MOST_NAMED ? `; and ${issues.length - MOST_NAMED} more` : '';
  return `${named.join('; ')}${more}.`;
};
