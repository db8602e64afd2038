/** Who may do what, as people see it. */
import type { Role } from '../../protocol/scalars.ts';
import type { Grant } from '../../protocol/user.ts';
import type { ListView } from '../manner/command.ts';
import type { Output } from '../manner/output.ts';

export const ROLES = ['viewer', 'operator', 'admin'] as const satisfies Role[];

export const grantList = (out: Output): ListView<Grant> => ({
  columns: [
    { title: 'WHO', value: ({ who }) => who },
    {
      title: 'ROLE',
      value: ({ role }) => role,
      colour: ({ role }) => (role === 'admin' ? 'bold' : undefined),
    },
    { title: 'PROJECT', value: ({ project }) => project },
    { title: 'GRANTED BY', value: ({ granted_by: by }) => by, spare: true },
    { title: 'GRANTED', value: ({ granted_at: at }) => out.time(at) },
  ],
  name: ({ who }) => who,
  empty: 'Nobody besides root and the owner of the engine, who are admins always.',
});
