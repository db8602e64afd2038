import { lookupGroup, lookupUser } from '../../src/sys/accounts.ts';

/** Accounts that every Debian has. */
export const accountOf = ({ user, group }: { user: string; group: string }): { uid: number; gid: number } => {
  const uid = lookupUser(user)?.uid;
  const gid = lookupGroup(group)?.gid;
  if (uid === undefined || gid === undefined) throw new Error(`this host has no ${user} or no ${group}`);
  return { uid, gid };
};
