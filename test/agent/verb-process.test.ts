import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { GroupFiles } from '../../src/agent/groups.linux.ts';
import { runProcess } from '../../src/agent/verbs/process.ts';
import type { VerbContext } from '../../src/agent/verbs/verb.ts';
import { keptLog, temporary } from './parts.ts';

let folder: ReturnType<typeof temporary>;
beforeEach(() => {
  folder = temporary();
});
afterEach(() => folder.remove());

const startedIn = async (workingDirectory: string): Promise<string> => {
  let written = '';
  const context: VerbContext = {
    context: 'user',
    signal: new AbortController().signal,
    timeoutMs: 45_000,
    output: (_stream, chunk) => {
      written += chunk;
    },
    environment: { PATH: '/usr/bin:/bin' },
    workingDirectory,
    scriptDirectory: folder.directory,
    groups: new GroupFiles(join(folder.directory, 'groups'), keptLog()),
  };
  expect(await runProcess('pwd', [], context)).toEqual({ exitCode: 0 });
  return written.trim();
};

it('a program starts in the home of its user, and of one whose home is not there, at the root', async () => {
  expect(await startedIn(folder.directory)).toBe(realpathSync(folder.directory));
  expect(await startedIn(join(folder.directory, 'none'))).toBe('/');
});
