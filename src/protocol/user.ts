/** Unix users and groups, and the roles they have. */
import { z } from 'zod';
import { operation } from './operation.ts';
import { nothing, role, timestamp } from './scalars.ts';

/** A Unix user, or a group as @group (names as useradd(8) allows them, Active Directory's backslash and dots too). */
export const who = z
  .string()
  .regex(/^@?[A-Za-z0-9_][A-Za-z0-9_.\\@-]{0,63}\$?$/, 'a Unix user, or a group as @group');

export const grant = z.strictObject({
  who,
  role,
  project: z.string().nullable(),
  granted_by: z.string(),
  granted_at: timestamp,
});
export type Grant = z.infer<typeof grant>;
const project = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/);

export const userOperations = {
  'user.list': operation({
    method: 'GET',
    path: '/users',
    role: 'viewer',
    summary: 'List who has which role.',
    input: nothing,
    output: z.array(grant),
  }),
  'user.grant': operation({
    method: 'PUT',
    path: '/users/{who}',
    role: 'admin',
    summary: 'Give a Unix user or @group a role.',
    input: z.strictObject({ who, role, project: project.optional() }),
    output: grant,
  }),
  'user.revoke': operation({
    method: 'DELETE',
    path: '/users/{who}',
    role: 'admin',
    summary: 'Take a role away.',
    input: z.strictObject({ who, project: project.optional() }),
    output: nothing,
  }),
  'user.me': operation({
    method: 'GET',
    path: '/me',
    role: 'viewer',
    summary: 'Who the engine takes the caller for.',
    input: nothing,
    output: z.strictObject({ user: z.string(), uid: z.number().int(), groups: z.array(z.string()), role }),
  }),
};
