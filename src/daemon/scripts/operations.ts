/**
 * Scripts that the engine keeps: hashed and signed when they are added. Each run takes body and signature along; the
 * agent hashes the body itself and runs nothing that the signature does not name.
 */
import { createHash } from 'node:crypto';
import { nodeEd25519 } from '../../crypto/ed25519.ts';
import { sealEnvelope } from '../../crypto/envelope.ts';
import { SCRIPT_TYPE } from '../../protocol/command.ts';
import { BorealisError } from '../../protocol/errors.ts';
import { type Script, scriptLanguage } from '../../protocol/script.ts';
import type { ScriptTable } from '../../store/schema.ts';
import type { Database, Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { Handlers } from '../capability.ts';
import { demandFits } from '../commands/job-work.ts';
import type { EventLog } from '../events/log.ts';
import type { KeyRing } from '../keys/key-ring.ts';

export interface ScriptParts {
  readonly store: Store;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly keys: Pick<KeyRing, 'signingKey'>;
}

export const scriptOperations = ({
  store,
  events,
  clock,
  keys,
}: ScriptParts): Handlers<'script.add' | 'script.list' | 'script.show' | 'script.remove'> => ({
  'script.add': async ({ name, language, body, description = null, replace }, call) => {
    const sha256 = createHash('sha256').update(body).digest('hex');
    const { seed, keyId } = keys.signingKey();
    const signature = sealEnvelope(
      { name, language, sha256 },
      { seed, kid: keyId, typ: SCRIPT_TYPE },
      nodeEd25519,
    );
    demandFits({ kind: 'script', name, language, body, signature, arguments: [] });
    return store.write(async (tx) => {
      const old = await find(tx.db, name);
      const same = old?.sha256 === sha256 && old.language === language;
      if (old && !same && !replace) {
        throw new BorealisError('SCRIPT_EXISTS', { detail: `${name} is ${old.sha256.slice(0, 12)}….` });
      }
      if (old && same && old.description === (description ?? old.description)) {
        await call.audit(tx, { target: name, detail: { sha256, changed: false } });
        return asScript(old);
      }
      const row: ScriptTable = {
        name,
        language,
        sha256,
        size: Buffer.byteLength(body),
        body,
        description,
        signature,
        added_by: call.caller.user,
        added_at: clock.now(),
      };
      const { name: _, ...rest } = row;
      await tx.db
        .insertInto('script')
        .values(row)
        .onConflict((conflict) => conflict.column('name').doUpdateSet(rest))
        .execute();
      await call.audit(tx, {
        target: name,
        detail: { sha256, language, ...(old && { replaces: old.sha256 }) },
      });
      await events.record(tx, {
        type: 'script.changed',
        message: `${row.added_by} ${old ? 'replaced' : 'added'} the script ${name}`,
        data: { script: name, change: old ? 'replaced' : 'added', sha256 },
      });
      return asScript(row);
    });
  },
  'script.list': async () => {
    const rows = await store.read
      .selectFrom('script')
      .select(['name', 'language', 'sha256', 'size', 'description', 'signature', 'added_by', 'added_at'])
      .orderBy('name')
      .execute();
    return rows.map(asScript);
  },
  'script.show': async ({ script }) => {
    const row = await find(store.read, script);
    if (!row) throw unknown(script);
    return { ...asScript(row), body: row.body };
  },
  'script.remove': ({ script }, call) =>
    store.write(async (tx) => {
      const row = await find(tx.db, script);
      if (!row) throw unknown(script);
      await tx.db.deleteFrom('script').where('name', '=', script).execute();
      await call.audit(tx, { target: script, detail: { sha256: row.sha256 } });
      await events.record(tx, {
        type: 'script.changed',
        message: `${call.caller.user} removed the script ${script}`,
        data: { script, change: 'removed', sha256: row.sha256 },
      });
      return {};
    }),
});

const find = (db: Database, name: string): Promise<ScriptTable | undefined> =>
  db.selectFrom('script').selectAll().where('name', '=', name).executeTakeFirst();

const unknown = (name: string): BorealisError =>
  new BorealisError('SCRIPT_NOT_FOUND', { detail: `“${name}” is none.` });

const asScript = (row: Omit<ScriptTable, 'body'>): Script => ({
  name: row.name,
  language: scriptLanguage.parse(row.language),
  sha256: row.sha256,
  size: row.size,
  description: row.description,
  added_by: row.added_by,
  added_at: new Date(row.added_at).toISOString(),
  signature: row.signature,
});
