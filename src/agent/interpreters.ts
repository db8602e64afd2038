/** The interpreters that run_script can use on this machine. */
import { access, constants } from 'node:fs/promises';
import { basename, delimiter, isAbsolute, join } from 'node:path';
import type { ScriptLanguage } from '../protocol/script.ts';

const PROGRAMS: Readonly<Record<ScriptLanguage, readonly string[]>> = {
  shell: ['sh'],
  python: ['python3'],
  node: ['node'],
  powershell: ['pwsh'],
};
/** What a script in shell may name in its first line; anything else is a script of another language. */
const SHELLS: ReadonlySet<string> = new Set(['sh', 'ash', 'bash', 'dash', 'ksh', 'mksh', 'zsh']);

export interface Interpreter {
  readonly path: string;
  /** Arguments that come before the script's file. */
  readonly args: readonly string[];
}

/** The file of that name on `path` (as the PATH variable), or undefined. */
export async function findProgram(name: string, path: string): Promise<string | undefined> {
  const candidates = isAbsolute(name)
    ? [name]
    : path.split(delimiter).map((directory) => join(directory, name));
  for (const candidate of candidates) {
    try {
      await access(candidate, constants.X_OK);
      return candidate;
    } catch {
      // not here: the next directory
    }
  }
  return undefined;
}

/** What runs scripts of a language, or undefined where it is not installed. Node is always there: it runs the agent. */
export async function findInterpreter(
  language: ScriptLanguage,
  path: string,
): Promise<Interpreter | undefined> {
  for (const name of PROGRAMS[language]) {
    const found = await findProgram(language === 'shell' ? `/bin/${name}` : name, path);
    if (found)
      return {
        path: found,
        args: language === 'powershell' ? ['-NoProfile', '-NonInteractive', '-File'] : [],
      };
  }
  return language === 'node' ? { path: process.execPath, args: [] } : undefined;
}

/**
 * The shell that the first line of a script names (`#!/bin/bash -e`, `#!/usr/bin/env -S bash -e`), as execve(2) reads it.
 * Undefined where it names none; a program that is no shell is left to /bin/sh, which ignores the line.
 */
export async function shebangShell(body: string, path: string): Promise<Interpreter | undefined> {
  const [, line = ''] = /^#!\s*([^\n]*)/.exec(body) ?? [];
  const words = line.trim().split(/\s+/);
  const env = basename(words[0] ?? '') === 'env';
  const [program = '', ...args] = env ? words.slice(words[1] === '-S' ? 2 : 1) : words;
  if (!SHELLS.has(basename(program))) return undefined;
  const found = await findProgram(program, path);
  return found ? { path: found, args } : undefined;
}
