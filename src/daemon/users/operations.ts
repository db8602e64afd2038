/** Who may do what: grants to Unix users and groups of this host. */
import { BorealisError } from '../../protocol/errors.ts';
import type { Grant } from '../../protocol/user.ts';
import type { UserGrantTable } from '../../store/schema.ts';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { Handlers } from '../capability.ts';
import type { EventLog } from '../events/log.ts';
import { type Grants, WHOLE_ENGINE } from './grants.ts';

export interface UserDeps {
  readonly store: Store;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly grants: Grants;
  /** Whether this host has such a user, or such a group where `group`. */
  accountExists(name: string, group: boolean): Promise<boolean>;
}

type Names = 'user.list' | 'user.grant' | 'user.revoke' | 'user.me';

export const userOperations = ({
  store,
  events,
  clock,
  grants,
  accountExists,
}: UserDeps): Handlers<Names> => ({
  'user.list': async () => {
    const rows = await store.read
      .selectFrom('user_grant')
      .selectAll()
      .orderBy('who')
      .orderBy('project')
      .execute();
    return rows.map(asGrant);
  },

  'user.grant': async ({ who, role, project }, call) => {
    const group = who.startsWith('@');
    const name = group ? who.slice(1) : who;
    if (!(await accountExists(name, group))) {
      throw new BorealisError('UNKNOWN_ACCOUNT', {
        detail: `There is no ${group ? 'group' : 'user'} ${name}.`,
      });
    }
    const row: UserGrantTable = {
      who,
      project: project ?? WHOLE_ENGINE,
      role,
      granted_by: call.caller.user,
      granted_at: clock.now(),
    };
    await store.write(async (tx) => {
      const { role, granted_by, granted_at } = row;
      await tx.db
        .insertInto('user_grant')
        .values(row)
        .onConflict((conflict) =>
          conflict.columns(['who', 'project']).doUpdateSet({ role, granted_by, granted_at }),
        )
        .execute();
      await call.audit(tx, { target: who, detail: { role, ...(project && { project }) } });
      await events.record(tx, {
        type: 'user.changed',
        message: `${call.caller.user} made ${who} ${role}${project ? ` of project ${project}` : ''}`,
        data: { who, role, project: project ?? null },
      });
      tx.afterCommit(() => grants.granted(row));
    });
    return asGrant(row);
  },

  'user.revoke': async ({ who, project }, call) => {
    const key = { who, project: project ?? WHOLE_ENGINE };
    await store.write(async (tx) => {
      const gone = await tx.db
        .deleteFrom('user_grant')
        .where('who', '=', key.who)
        .where('project', '=', key.project)
        .returning('role')
        .executeTakeFirst();
      if (!gone) throw new BorealisError('GRANT_NOT_FOUND');
      await call.audit(tx, { target: who, detail: { role: gone.role, ...(project && { project }) } });
      await events.record(tx, {
        type: 'user.changed',
        message: `${call.caller.user} took the role ${gone.role} from ${who}`,
        data: { who, role: null, project: project ?? null },
      });
      tx.afterCommit(() => grants.revoked(key));
    });
    return {};
  },

  'user.me': async (_input, { caller }) => ({
    user: caller.user,
    uid: caller.uid,
    groups: [...caller.groups],
    role: caller.role,
  }),
});

const asGrant = (row: UserGrantTable): Grant => ({
  who: row.who,
  role: row.role,
  project: row.project === WHOLE_ENGINE ? null : row.project,
  granted_by: row.granted_by,
  granted_at: new Date(row.granted_at).toISOString(),
});
