/** Scripts: how a file becomes one, and how people see them. */
import { basename, extname } from 'node:path';
import { BorealisError } from '../../protocol/errors.ts';
import type { Script, ScriptLanguage } from '../../protocol/script.ts';
import type { ListView } from '../manner/command.ts';
import type { Output } from '../manner/output.ts';
import { bytes } from '../manner/size.ts';
import { facts } from '../manner/table.ts';

export const LANGUAGES = ['shell', 'python', 'node', 'powershell'] as const satisfies ScriptLanguage[];

const EXTENSIONS: Readonly<Record<string, ScriptLanguage>> = {
  '.sh': 'shell',
  '.bash': 'shell',
  '.ksh': 'shell',
  '.zsh': 'shell',
  '.py': 'python',
  '.js': 'node',
  '.mjs': 'node',
  '.cjs': 'node',
  '.ps1': 'powershell',
};

const INTERPRETERS: readonly (readonly [RegExp, ScriptLanguage])[] = [
  [/^(a|ba|da|k|mk|z)?sh$/, 'shell'],
  [/^python[\d.]*$/, 'python'],
  [/^node(js)?$/, 'node'],
  [/^(pwsh|powershell)$/, 'powershell'],
];

/** By the file's extension, otherwise by the script's first line. Errors: USAGE where neither tells. */
export const languageOf = (file: string, body: string): ScriptLanguage => {
  const found = EXTENSIONS[extname(file).toLowerCase()] ?? languageOfShebang(body);
  if (found) return found;
  throw new BorealisError('USAGE', {
    detail: `Neither the name of ${file === '-' ? 'standard input' : file} nor its first line tells its language.`,
    next: `Name it: --language ${LANGUAGES.join('|')}`,
  });
};

/** `#!/bin/bash -e`, `#!/usr/bin/env -S python3 -u`. */
const languageOfShebang = (body: string): ScriptLanguage | undefined => {
  const words = (/^#!\s*(.*)/.exec(body)?.[1] ?? '').split(/\s+/);
  const program = words.find((word) => basename(word) !== 'env' && !/^-|=/.test(word)) ?? '';
  return INTERPRETERS.find(([pattern]) => pattern.test(basename(program)))?.[1];
};

/** The file's name without the extension of its language. Errors: USAGE for standard input. */
export const nameOf = (file: string): string => {
  if (file === '-')
    throw new BorealisError('USAGE', {
      detail: 'A script from standard input has no name of its own.',
      next: 'Give it one with --name.',
    });
  const name = basename(file);
  return extname(name).toLowerCase() in EXTENSIONS ? name.slice(0, -extname(name).length) : name;
};

/** Errors: USAGE where it is not text. */
export const textOf = (file: string, content: Uint8Array): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
  } catch (cause) {
    throw new BorealisError('USAGE', {
      detail: `${file} is not text in UTF-8.`,
      next: 'Only scripts can be added.',
      cause,
    });
  }
};

export const scriptList = (out: Output): ListView<Script> => ({
  columns: [
    { title: 'NAME', value: ({ name }) => name },
    { title: 'LANGUAGE', value: ({ language }) => language },
    { title: 'SIZE', value: ({ size }) => bytes(size), align: 'right' },
    { title: 'SHA-256', value: ({ sha256 }) => sha256.slice(0, 12), spare: true },
    { title: 'DESCRIPTION', value: ({ description }) => description, gives: true },
    { title: 'ADDED BY', value: ({ added_by: by }) => by, spare: true },
    { title: 'ADDED', value: ({ added_at: at }) => out.time(at) },
  ],
  name: ({ name }) => name,
  empty: 'No scripts yet. Add one with: borealisctl script add FILE',
});

export const scriptCard = (out: Output, script: Script): string[] =>
  facts(
    [
      ['Script', script.name],
      ['Description', script.description],
      ['Language', script.language],
      ['Size', bytes(script.size)],
      ['SHA-256', script.sha256],
      ['Added', `${out.moment(script.added_at)} by ${script.added_by}`],
      ['Signature', 'by the engine; each device checks it before it runs the script'],
    ],
    out.paint,
  );
