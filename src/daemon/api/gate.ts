/** Decides who may call what, before anything that the caller sent is looked at. */
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { BorealisError } from '../../protocol/errors.ts';
import type { Role } from '../../protocol/scalars.ts';
import type { Refusals } from '../audit/refusals.ts';
import type { Caller } from '../capability.ts';
import type { Callers, Identified } from '../identity/callers.ts';
import { roleAllows } from '../users/roles.ts';

/** What is asked for: an operation and the role that it needs, or a path on which there is none. */
export interface Door {
  readonly action: string;
  readonly role: Role;
  readonly scope?: 'project' | undefined;
}

export class Gate {
  readonly #callers: Callers;
  readonly #refusals: Refusals;
  readonly #log: Logger;

  constructor(callers: Callers, refusals: Refusals, log: Logger) {
    this.#callers = callers;
    this.#refusals = refusals;
    this.#log = log;
  }

  /** The caller where it may pass. */
  passes(socket: Socket, door: Door): Caller | undefined {
    try {
      return letIn(this.#callers.identify(socket), door);
    } catch {
      // Who is not proven does not pass; `admit` says why.
      return undefined;
    }
  }

  /** Errors: IDENTITY_UNPROVEN, STRANGER, NOT_PERMITTED; each is recorded. */
  async admit(socket: Socket, door: Door): Promise<Caller> {
    let identified: Identified;
    try {
      identified = this.#callers.identify(socket);
    } catch (error) {
      throw await this.#refused(null, door, error as BorealisError);
    }
    const admitted = letIn(identified, door);
    if (admitted) return admitted;
    const { peer, caller } = identified;
    if (!caller && !(door.scope === 'project' && identified.within)) {
      const next = `Ask an admin to run: borealisctl user grant ${peer.user} viewer`;
      throw await this.#refused(identified, door, new BorealisError('STRANGER', { next }));
    }
    throw await this.#refused(
      identified,
      door,
      new BorealisError('NOT_PERMITTED', {
        detail: `${door.action} needs the role ${door.role}; ${peer.user} is ${caller?.role ?? 'less, in a project'}.`,
        next: `Ask an admin to run: borealisctl user grant ${peer.user} ${door.role}`,
      }),
    );
  }

  /** Of whom was let in, and may not do it there. Returns the error, recorded. */
  refuse(socket: Socket, door: Door, error: BorealisError): Promise<BorealisError> {
    return this.#refused(this.#callers.identify(socket), door, error);
  }

  async #refused(who: Identified | null, door: Door, error: BorealisError): Promise<BorealisError> {
    const refusal = {
      actor: who?.peer.user ?? 'unknown',
      uid: who?.peer.uid ?? null,
      action: door.action,
      code: error.code,
    };
    this.#log.warn(
      { user: refusal.actor, uid: refusal.uid, action: door.action, result: error.code },
      error.message,
    );
    // The refusal stands whether or not the disk takes the record of it.
    await this.#refusals
      .record(refusal)
      .catch((cause) => this.#log.error({ err: cause }, 'refusal not recorded'));
    return error;
  }
}

/** In which project it is asked for, and with which role there, is seen where that is known: in the handler. */
const letIn = ({ caller, within }: Identified, door: Door): Caller | undefined => {
  if (caller && roleAllows(caller.role, door.role)) return within ?? caller;
  if (door.scope !== 'project' || !within) return undefined;
  return [...(within.projects?.values() ?? [])].some((role) => roleAllows(role, door.role))
    ? within
    : undefined;
};
