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
      const { caller } = this.#callers.identify(socket);
      return caller && roleAllows(caller.role, door.role) ? caller : undefined;
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
    const { peer, caller } = identified;
    if (!caller) {
      const next = `Ask an admin to run: borealisctl user grant ${peer.user} viewer`;
      throw await this.#refused(identified, door, new BorealisError('STRANGER', { next }));
    }
    if (roleAllows(caller.role, door.role)) return caller;
    throw await this.#refused(
      identified,
      door,
      new BorealisError('NOT_PERMITTED', {
        detail: `${door.action} needs the role ${door.role}; ${peer.user} is ${caller.role}.`,
        next: `Ask an admin to run: borealisctl user grant ${peer.user} ${door.role}`,
      }),
    );
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
