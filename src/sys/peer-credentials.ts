/** Who is at the other end of a Unix socket, by the kernel's word: nothing that the caller sends takes part. */
import type { Socket } from 'node:net';
import { BorealisError } from '../protocol/errors.ts';
import { descriptorOf } from './descriptor-of.ts';
import { peerCredentialsOf } from './peer-credentials.linux.ts';

export interface PeerCredentials {
  /** The process that called connect(2); 0 where it lives in a PID namespace that is not visible here. */
  readonly pid: number;
  /** Effective ids at the time of connect(2). */
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups; `gid` need not be among them. */
  readonly groups: readonly number[];
}

/** Read it once, when the connection is accepted. Errors: IDENTITY_UNPROVEN, UNSUPPORTED_PLATFORM. */
export const peerCredentials = (socket: Socket): PeerCredentials => {
  if (process.platform !== 'linux') {
    throw new BorealisError('UNSUPPORTED_PLATFORM', { detail: `Peer credentials on ${process.platform}.` });
  }
  const fd = descriptorOf(socket);
  if (fd < 0) throw new BorealisError('IDENTITY_UNPROVEN', { detail: 'The connection is already closed.' });
  return peerCredentialsOf(fd);
};
