/** Errors as the engine tells them, and errors of getting to it, as BorealisError. */
import { BorealisError, ERRORS, isErrorCode } from '../protocol/errors.ts';
import type { Problem } from '../protocol/operations.ts';

type Told = Pick<Problem, 'code' | 'next'> & { readonly message: string };

/** A newer engine may know codes that we do not; its sentence and its next step still reach the person. */
export const engineError = ({ code, message, next }: Told): BorealisError => {
  if (!isErrorCode(code)) return new BorealisError('INTERNAL', { detail: `${code}: ${message}`, next });
  const sentence = ERRORS[code].message;
  const detail = message.startsWith(sentence) ? message.slice(sentence.length).trim() : message;
  return new BorealisError(code, { next, ...(detail && { detail }) });
};

/** Of an answer that is not a success. `text` is whatever came. */
export const problemError = (status: number, text: string): BorealisError => {
  const problem = parseProblem(text);
  if (problem) return engineError({ code: problem.code, message: problem.detail, next: problem.next });
  return new BorealisError('INTERNAL', {
    detail: `What listens at the socket answered ${status} and is not an engine of Borealis.`,
    next: 'Name the right socket with --socket or BOREALIS_SOCKET.',
  });
};

const parseProblem = (text: string): Problem | undefined => {
  try {
    const { code, detail, next } = JSON.parse(text) as Partial<Problem>;
    if (typeof code === 'string' && typeof detail === 'string' && typeof next === 'string')
      return { code, detail, next } as Problem;
  } catch {
    // Not JSON: not ours.
  }
  return undefined;
};
