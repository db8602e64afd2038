/** The number by which the kernel knows an open stream. */
import type { Socket } from 'node:net';

/**
 * Of a TCP or Unix socket, or a terminal. Below 0 where there is none: on Windows, before a connection stands, after its
 * end. Streams show it nowhere else; held by a test, so that a new Node that moves it is noticed.
 */
export const descriptorOf = (stream: Socket): number => {
  const { _handle: handle } = stream as Socket & { readonly _handle?: { readonly fd?: number } | null };
  return handle?.fd ?? -1;
};
