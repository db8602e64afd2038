/** Questions to the person at the terminal: asked on standard error, so that the result stays alone on standard output. */
import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { BorealisError } from '../../protocol/errors.ts';

/** Errors: CANCELLED by Ctrl-C (its cause is `SIGINT`) or Ctrl-D. */
export const ask = async (question: string): Promise<string> => {
  try {
    return await askThrough(question, process.stderr);
  } catch (error) {
    process.stderr.write('\n'); // whatever is said next begins a line of its own
    throw error;
  }
};

/** What is typed is not shown. Errors: CANCELLED. */
export const askSecret = async (question: string): Promise<string> => {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  try {
    // Asked once the terminal has stopped to echo: somebody may answer at once.
    return await askThrough('', nowhere, () => process.stderr.write(question));
  } finally {
    process.stderr.write('\n');
  }
};

const askThrough = async (
  question: string,
  output: NodeJS.WritableStream,
  ready = (): unknown => undefined,
): Promise<string> => {
  const reader = createInterface({ input: process.stdin, output, terminal: true });
  ready();
  const gone = new AbortController();
  const cancelled = Promise.race([
    once(reader, 'SIGINT', { signal: gone.signal }).then(() => 'SIGINT'),
    once(reader, 'close', { signal: gone.signal }).then(() => 'close'),
  ]).then((cause) => {
    throw new BorealisError('CANCELLED', { cause });
  });
  try {
    return await Promise.race([reader.question(question), cancelled]);
  } finally {
    gone.abort();
    cancelled.catch(() => {}); // the question was answered
    reader.close();
  }
};
