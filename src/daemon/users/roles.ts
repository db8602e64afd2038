import type { Role } from '../../protocol/scalars.ts';
import type { Caller } from '../capability.ts';

const RANK: Readonly<Record<Role, number>> = { viewer: 0, operator: 1, admin: 2 };

/** Each role may do what the lesser ones may. */
export const roleAllows = (held: Role, needed: Role): boolean => RANK[held] >= RANK[needed];

/** By its role in the whole engine, or in that project. */
export const allowedInProject = (caller: Caller, project: string, needed: Role): boolean => {
  if (!caller.limited && roleAllows(caller.role, needed)) return true;
  const role = caller.projects?.get(project);
  return role !== undefined && roleAllows(role, needed);
};
