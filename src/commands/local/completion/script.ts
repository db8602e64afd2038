/** The completion script of each shell. */
import { bash } from './bash.ts';
import { fish } from './fish.ts';
import { powershell } from './powershell.ts';
import type { CommandWords } from './words.ts';
import { zsh } from './zsh.ts';

export const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const;
export type Shell = (typeof SHELLS)[number];

const scripts = { bash, zsh, fish, powershell };
export const completionScript = (shell: Shell, words: readonly CommandWords[]): string =>
  scripts[shell](words);
