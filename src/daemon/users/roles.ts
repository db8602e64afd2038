import type { Role } from '../../protocol/scalars.ts';

const RANK: Readonly<Record<Role, number>> = { viewer: 0, operator: 1, admin: 2 };

/** Each role may do what the lesser ones may. */
export const roleAllows = (held: Role, needed: Role): boolean => RANK[held] >= RANK[needed];
