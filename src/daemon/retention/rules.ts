/**
 * What is forgotten, and when. A rule removes at most `batch` rows in one transaction and says whether there may be
 * more. The audit trail is not among them: it is kept whole.
 */
import type { Config } from '../../config/settings.ts';
import type { Transaction } from '../../store/store.ts';
import type { Recordings } from '../recordings/recordings.ts';

export interface Rule {
  readonly name: string;
  /** True where it is to be called again at once. */
  prune(tx: Transaction, now: number, batch: number): Promise<boolean>;
}

type Retained = Pick<
  Config,
  'telemetry_retention_days' | 'event_retention_days' | 'job_retention_days' | 'recording_retention_days'
>;

const DAY_MS = 86_400_000;
/** Who had a floating address when: longer than events, since it is what a provider is asked about. */
const SWITCHES_MS = 90 * DAY_MS;
/** Removing a large file holds the loop up for a while. */
const FILES_AT_ONCE = 20;

/** `config` is read anew for each batch: retention may be set while the engine runs. */
export const retentionRules = (
  config: () => Retained,
  recordings: Pick<Recordings, 'removeNow'>,
): readonly Rule[] => [
  {
    name: 'telemetry',
    prune: async ({ db }, now, batch) => {
      const until = now - config().telemetry_retention_days * DAY_MS;
      const last = await db
        .selectFrom('telemetry')
        .select('at')
        .where('at', '<', until)
        .orderBy('at')
        .offset(batch - 1)
        .limit(1)
        .executeTakeFirst();
      if (last) await db.deleteFrom('telemetry').where('at', '<=', last.at).execute();
      else await db.deleteFrom('telemetry').where('at', '<', until).execute();
      return last !== undefined;
    },
  },
  {
    name: 'events',
    prune: async ({ db }, now, batch) => {
      const until = now - config().event_retention_days * DAY_MS;
      const newest = await db
        .selectFrom('event')
        .select((eb) => eb.fn.max('id').as('id'))
        .executeTakeFirst();
      // Ids go on from the newest event, so that one stays for ever.
      const old = await db
        .selectFrom('event')
        .select('id')
        .where('at', '<', until)
        .where('id', '<', newest?.id ?? 0)
        .orderBy('at')
        .limit(batch)
        .execute();
      await deleteByKey(old, (ids) =>
        db
          .deleteFrom('event')
          .where(
            'id',
            'in',
            ids.map(({ id }) => id),
          )
          .execute(),
      );
      return old.length === batch;
    },
  },
  {
    name: 'jobs',
    prune: async ({ db }, now, batch) => {
      const until = now - config().job_retention_days * DAY_MS;
      const job = await db
        .selectFrom('job')
        .select('id')
        .where('created_at', '<', until)
        .where('finished_at', '<', until)
        .orderBy('created_at')
        .orderBy('id')
        .limit(1)
        .executeTakeFirst();
      if (!job) return false;
      // One job may have ten thousand targets, each with its output.
      const targets = await db
        .selectFrom('job_target')
        .select('guid')
        .where('job_id', '=', job.id)
        .orderBy('guid')
        .limit(batch)
        .execute();
      await deleteByKey(targets, (some) =>
        db
          .deleteFrom('job_target')
          .where('job_id', '=', job.id)
          .where(
            'guid',
            'in',
            some.map(({ guid }) => guid),
          )
          .execute(),
      );
      if (targets.length < batch) await db.deleteFrom('job').where('id', '=', job.id).execute();
      return true;
    },
  },
  {
    name: 'recorded shells',
    prune: async ({ db }, now) => {
      const until = now - config().recording_retention_days * DAY_MS;
      const old = await db
        .selectFrom('shell')
        .select('id')
        .where('ended_at', '<', until)
        .orderBy('ended_at')
        .limit(FILES_AT_ONCE)
        .execute();
      // The file first: should the engine be killed in between, it is gone, and its row goes the next time.
      for (const { id } of old) recordings.removeNow(id);
      await deleteByKey(old, (some) =>
        db
          .deleteFrom('shell')
          .where(
            'id',
            'in',
            some.map(({ id }) => id),
          )
          .execute(),
      );
      return old.length === FILES_AT_ONCE;
    },
  },
  {
    name: 'switches of pairs',
    prune: async ({ db }, now, batch) => {
      const until = now - SWITCHES_MS;
      const last = await db
        .selectFrom('ha_switch')
        .select('at')
        .where('at', '<', until)
        .orderBy('at')
        .offset(batch - 1)
        .limit(1)
        .executeTakeFirst();
      await db
        .deleteFrom('ha_switch')
        .where('at', last ? '<=' : '<', last?.at ?? until)
        .execute();
      return last !== undefined;
    },
  },
  {
    name: 'enrolment requests',
    prune: async ({ db }, now, batch) => {
      const until = now - config().event_retention_days * DAY_MS;
      const old = await db
        .selectFrom('approval')
        .select('id')
        .where('requested_at', '<', until)
        .where('expires_at', '<', until)
        .orderBy('requested_at')
        .limit(batch)
        .execute();
      await deleteByKey(old, (ids) =>
        db
          .deleteFrom('approval')
          .where(
            'id',
            'in',
            ids.map(({ id }) => id),
          )
          .execute(),
      );
      return old.length === batch;
    },
  },
  {
    name: 'enrolment codes',
    prune: async ({ db }, now, batch) => {
      const until = now - config().event_retention_days * DAY_MS;
      const old = await db
        .selectFrom('enrolment_code')
        .select('id')
        .where('created_at', '<', until)
        .where('expires_at', '<', until)
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('approval').select('approval.id').whereRef('code_id', '=', 'enrolment_code.id'),
            ),
          ),
        )
        .orderBy('created_at')
        .limit(batch)
        .execute();
      await deleteByKey(old, (ids) =>
        db
          .deleteFrom('enrolment_code')
          .where(
            'id',
            'in',
            ids.map(({ id }) => id),
          )
          .execute(),
      );
      return old.length === batch;
    },
  },
  {
    name: 'refresh tokens',
    prune: async ({ db }, now, batch) => {
      // Past its end a token opens nothing, and nothing is to be learnt from its use any more.
      const old = await db
        .selectFrom('refresh_token')
        .select('token_hash')
        .where('expires_at', '<', now - DAY_MS)
        .orderBy('expires_at')
        .limit(batch)
        .execute();
      await deleteByKey(old, (some) =>
        db
          .deleteFrom('refresh_token')
          .where(
            'token_hash',
            'in',
            some.map(({ token_hash }) => token_hash),
          )
          .execute(),
      );
      return old.length === batch;
    },
  },
];

/** SQLite takes a limited number of parameters in one statement; few texts of statements also stay prepared. */
const KEYS_AT_ONCE = 250;

const deleteByKey = async <T>(
  rows: readonly T[],
  remove: (some: readonly T[]) => Promise<unknown>,
): Promise<void> => {
  for (let from = 0; from < rows.length; from += KEYS_AT_ONCE)
    await remove(rows.slice(from, from + KEYS_AT_ONCE));
};
