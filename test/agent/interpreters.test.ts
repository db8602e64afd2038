import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findInterpreter, shebangShell } from '../../src/agent/interpreters.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'borealis-interpreters-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const program = (name: string, mode = 0o755): string => {
  const file = join(folder, name);
  writeFileSync(file, '#!/bin/sh\n');
  chmodSync(file, mode);
  return file;
};

it('PowerShell runs a file, asks nobody and reads no profile; without it there is none', async () => {
  expect(await findInterpreter('powershell', folder)).toBeUndefined();
  const path = program('pwsh');
  expect(await findInterpreter('powershell', folder)).toEqual({
    path,
    args: ['-NoProfile', '-NonInteractive', '-File'],
  });
});

it('Python is the first on the path that may be run', async () => {
  program('python3', 0o644);
  expect(await findInterpreter('python', folder)).toBeUndefined();
  const path = program('python3');
  expect(await findInterpreter('python', `/nonexistent${delimiter}${folder}`)).toEqual({ path, args: [] });
});

it('Node is always there: the agent’s own', async () => {
  expect(await findInterpreter('node', folder)).toEqual({ path: process.execPath, args: [] });
  const path = program('node');
  expect(await findInterpreter('node', folder)).toEqual({ path, args: [] });
});

it('the first line of a script in shell names a shell, with its options, and no other program', async () => {
  const bash = program('bash');
  program('python3');
  expect(await shebangShell('#!/usr/bin/env bash -e\n', folder)).toEqual({ path: bash, args: ['-e'] });
  expect(await shebangShell('#!/usr/bin/env -S bash -e -u\n', folder)).toEqual({
    path: bash,
    args: ['-e', '-u'],
  });
  expect(await shebangShell(`#!${bash} -e -u\necho`, '')).toEqual({ path: bash, args: ['-e', '-u'] });
  for (const body of ['echo', '#!/usr/bin/env python3\n', '#!/nonexistent/bash\n', '#!', ''])
    expect(await shebangShell(body, folder), body).toBeUndefined();
});
