/** How long a TCP connection outlives an other end that acknowledges nothing. */
import type { Socket } from 'node:net';
import { descriptorOf } from './descriptor-of.ts';
import { setUserTimeout } from './tcp-silence.linux.ts';

/**
 * Ends a connected socket with ETIMEDOUT where what was sent, or a keepalive probe, is not acknowledged for so many
 * milliseconds; by itself the kernel tries for a quarter of an hour. Where that cannot be set, it stays so.
 */
export const limitSilence = (socket: Socket, ms: number): void => {
  if (process.platform !== 'linux') return;
  const fd = descriptorOf(socket);
  if (fd >= 0) setUserTimeout(fd, ms);
};
