/** Holds a command's JSON by a file. After a change that is meant: vitest run test/commands -u, and read the difference. */
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Place } from '../lab/processes.ts';
import { normal } from './normal.ts';

export const hold = async (place: Pick<Place, 'directory'>, name: string, value: unknown): Promise<void> => {
  const names = [
    [place.directory, '<place>'],
    [userInfo().username, '<user>'],
    [hostname(), '<host>'],
  ] as const;
  const text = `${JSON.stringify(normal(value, names), null, 2)}\n`;
  await expect(text).toMatchFileSnapshot(join(import.meta.dirname, 'golden', `${name}.golden.json`));
};
