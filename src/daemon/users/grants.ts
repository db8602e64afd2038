/** The grants, held in memory: every call asks for them. A change is in force with its commit. */
import type { Role } from '../../protocol/scalars.ts';
import type { UserGrantTable } from '../../store/schema.ts';
import type { Database } from '../../store/store.ts';
import { roleAllows } from './roles.ts';

/** The project of a grant that holds for the whole engine. */
export const WHOLE_ENGINE = '';

export class Grants {
  readonly #roles = new Map<string, Role>();
  /** By who, then by project. */
  readonly #projects = new Map<string, Map<string, Role>>();
  readonly #listeners = new Set<() => void>();
  #version = 0;

  static async load(db: Database): Promise<Grants> {
    const grants = new Grants();
    const rows = await db.selectFrom('user_grant').select(['who', 'project', 'role']).execute();
    for (const row of rows) grants.#set(row);
    return grants;
  }

  /** Grows with each change. */
  get version(): number {
    return this.#version;
  }

  /** The highest role among the grants of the user and of its groups; null for a stranger. */
  roleOf(user: string, groups: readonly string[]): Role | null {
    let best = this.#roles.get(user) ?? null;
    for (const group of groups) {
      const role = this.#roles.get(`@${group}`);
      if (role && (best === null || roleAllows(role, best))) best = role;
    }
    return best;
  }

  /** The highest role in each project among the grants of the user and of its groups. */
  projectsOf(user: string, groups: readonly string[]): ReadonlyMap<string, Role> {
    const best = new Map<string, Role>();
    for (const who of [user, ...groups.map((group) => `@${group}`)])
      for (const [project, role] of this.#projects.get(who) ?? []) {
        const held = best.get(project);
        if (held === undefined || roleAllows(role, held)) best.set(project, role);
      }
    return best;
  }

  /** To be called after the commit of the change. */
  granted(grant: Pick<UserGrantTable, 'who' | 'project' | 'role'>): void {
    this.#set(grant);
    this.#changed();
  }

  #set({ who, project, role }: Pick<UserGrantTable, 'who' | 'project' | 'role'>): void {
    if (project === WHOLE_ENGINE) this.#roles.set(who, role);
    else this.#projects.set(who, (this.#projects.get(who) ?? new Map<string, Role>()).set(project, role));
  }

  /** To be called after the commit of the change. */
  revoked(grant: Pick<UserGrantTable, 'who' | 'project'>): void {
    if (grant.project === WHOLE_ENGINE) this.#roles.delete(grant.who);
    else this.#projects.get(grant.who)?.delete(grant.project);
    this.#changed();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #changed(): void {
    this.#version += 1;
    for (const listener of this.#listeners) listener();
  }
}
