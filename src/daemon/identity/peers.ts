/** The peer of a Unix socket in the host's own names. */
import { groupName, userName } from '../../sys/accounts.ts';
import { peerCredentials } from '../../sys/peer-credentials.ts';
import type { PeerSource } from './callers.ts';

export const kernelPeers: PeerSource = {
  peerOf: (socket) => {
    const { pid, uid, gid, groups } = peerCredentials(socket);
    const names = [...new Set([gid, ...groups])].map(groupName).filter((name) => name !== null);
    // No account may have such a name, and no grant can be made to it.
    return { pid, uid, user: userName(uid) ?? `#${uid}`, groups: names };
  },
};
