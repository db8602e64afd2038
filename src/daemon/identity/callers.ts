/**
 * Who calls: the kernel names the process at the other end of the Unix socket, the host's accounts name its user and
 * groups, the grants give the role. Whatever of this cannot be had is a refusal.
 */
import type { Socket } from 'node:net';
import { BorealisError } from '../../protocol/errors.ts';
import type { Role } from '../../protocol/scalars.ts';
import type { Caller } from '../capability.ts';
import type { Grants } from '../users/grants.ts';

/** What the kernel and the host's accounts say of a process. */
export interface Peer {
  readonly pid: number;
  readonly uid: number;
  readonly user: string;
  /** Names of all its groups, the primary one too. */
  readonly groups: readonly string[];
}

export interface PeerSource {
  /** Errors: any, where the kernel or the accounts do not say. */
  peerOf(socket: Socket): Peer;
}

/** A proven peer, and as far as it has one, its role. */
export interface Identified {
  readonly peer: Peer;
  readonly caller: Caller | null;
  /** For operations of scope `project`: null where it has no role in any. */
  readonly within: Caller | null;
}

/** What is kept per connection: credentials of a Unix socket are those at the time of connect(2) and never change. */
interface Known {
  readonly peer: Peer;
  /** Of the grants when `identified` was worked out. */
  version: number;
  identified: Identified;
}

export class Callers {
  readonly #source: PeerSource;
  readonly #grants: Grants;
  readonly #engineUid: number;
  readonly #known = new WeakMap<Socket, Known>();

  constructor(source: PeerSource, grants: Grants, engineUid: number) {
    this.#source = source;
    this.#grants = grants;
    this.#engineUid = engineUid;
  }

  /** Errors: IDENTITY_UNPROVEN. */
  identify(socket: Socket): Identified {
    const known = this.#known.get(socket);
    if (!known) {
      const peer = this.#peerOf(socket);
      const identified = this.#identified(peer);
      this.#known.set(socket, { peer, version: this.#grants.version, identified });
      return identified;
    }
    if (known.version !== this.#grants.version) {
      known.identified = this.#identified(known.peer);
      known.version = this.#grants.version;
    }
    return known.identified;
  }

  #peerOf(socket: Socket): Peer {
    try {
      return this.#source.peerOf(socket);
    } catch (cause) {
      throw new BorealisError('IDENTITY_UNPROVEN', { cause });
    }
  }

  #identified(peer: Peer): Identified {
    const role = this.#roleOf(peer);
    const projects = this.#grants.projectsOf(peer.user, peer.groups);
    return {
      peer,
      caller: role && { ...peer, role },
      within:
        projects.size > 0 ? { ...peer, role: role ?? 'viewer', projects, limited: role === null } : null,
    };
  }

  /** Root and whoever owns the engine could change its files anyway; they are admins without a grant. */
  #roleOf(peer: Peer): Role | null {
    if (peer.uid === 0 || peer.uid === this.#engineUid) return 'admin';
    return this.#grants.roleOf(peer.user, peer.groups);
  }
}
