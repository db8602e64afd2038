/** What a command reads: a file that the caller named, or standard input. */
import { readFile } from 'node:fs/promises';

/** `-` is standard input. Errors: those of open(2). */
export const readInput = async (file: string): Promise<Buffer> => {
  if (file !== '-') return readFile(file);
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};
