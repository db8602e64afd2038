/** What a program writes to a terminal reaches it as it is, byte for byte. */
import { spawnSync } from 'node:child_process';
import { keepOutput } from './terminal.linux.ts';

/**
 * Node's raw mode is about keys: a line feed that is written still comes out with a carriage return, and programs that
 * draw count on it to go straight down. Called after `setRawMode(true)`; `setRawMode(false)` brings it back.
 */
export const passOutput = (fd: number): void => {
  if (process.platform === 'win32' || (process.platform === 'linux' && keptByLibc(fd))) return;
  spawnSync('stty', ['-opost'], { stdio: [fd, 'ignore', 'ignore'] });
};

const keptByLibc = (fd: number): boolean => {
  try {
    return keepOutput(fd);
  } catch {
    return false; // no C library that we know: stty(1) does the same
  }
};
