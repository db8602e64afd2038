/** The process's own memory, as far as the platform lets it be steered. */
import { mapBuffersFrom, trimHeap } from './malloc.linux.ts';

/**
 * To be called before thousands of TLS connections come. Node reads each into a buffer of 64 KiB that stays with it,
 * and of which a quiet connection uses one page. Taken from memory that handshakes have left behind, all of it stays
 * resident: that was half of what an agent cost.
 */
export const keepIdleBuffersSmall = (): boolean => process.platform === 'linux' && mapBuffersFrom(65_536);

/** Gives memory that was freed back to the kernel. Blocks for some milliseconds. */
export const releaseFreedMemory = (): void => {
  if (process.platform === 'linux') trimHeap();
};
