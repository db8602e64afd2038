/** `code.*`: making, listing and revoking enrolment codes. */
import { randomBytes } from 'node:crypto';
import { formatLink, hashCode, newEnrolmentCode } from '../../crypto/secret-code.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { Handlers } from '../capability.ts';
import { asCode, type CodeRow, codeState, resolveCode } from './codes.ts';
import type { EnrollmentDependencies } from './dependencies.ts';
import { type Endpoint, ownAddress, parseAddress } from './public-address.ts';

export type CodeOperationName = 'code.create' | 'code.list' | 'code.revoke';

export const codeOperations = (deps: EnrollmentDependencies): Handlers<CodeOperationName> => {
  const { store, clock, events } = deps;
  return {
    'code.create': async (input, call) => {
      const { host, port } = await endpoint(deps, input.address);
      const code = newEnrolmentCode();
      const { pin } = deps.trust.authority;
      const link = formatLink({ host, port, code, pin });
      const now = clock.now();
      const row: CodeRow = {
        id: randomBytes(8).toString('hex'),
        code_hash: hashCode(code),
        expires_at: now + input.expires_in * 1000,
        uses: input.uses,
        uses_left: input.uses,
        site: input.site ?? null,
        tags_json: JSON.stringify(input.tags ?? {}),
        auto_approve: input.auto_approve ? 1 : 0,
        created_at: now,
        created_by: call.caller.user,
        revoked_at: null,
      };
      const made = asCode(row, now);
      await store.write(async (tx) => {
        await tx.db.insertInto('enrolment_code').values(row).execute();
        const { uses, expires_at, site, tags, auto_approve } = made;
        const detail = { uses, expires_at, site, tags, auto_approve };
        await call.audit(tx, { target: row.id, detail });
        await events.record(tx, {
          type: 'code.created',
          message: `${row.created_by} made the enrolment code ${row.id}`,
          data: { id: row.id, ...detail },
        });
      });
      return { ...made, code, link, pin };
    },

    'code.list': async ({ all }) => {
      const now = clock.now();
      const rows = await store.read
        .selectFrom('enrolment_code')
        .selectAll()
        .orderBy('created_at', 'desc')
        .execute();
      return rows.filter((row) => all || codeState(row, now) === 'active').map((row) => asCode(row, now));
    },

    'code.revoke': ({ code }, call) =>
      store.write(async (tx) => {
        const row = await resolveCode(tx.db, code);
        const now = clock.now();
        if (row.revoked_at !== null)
          throw new BorealisError('CODE_REVOKED', { next: 'List codes with: borealisctl code list --all' });
        await tx.db.updateTable('enrolment_code').set({ revoked_at: now }).where('id', '=', row.id).execute();
        await call.audit(tx, { target: row.id });
        await events.record(tx, {
          type: 'code.revoked',
          message: `${call.caller.user} revoked the enrolment code ${row.id}`,
          data: { id: row.id },
        });
        return asCode({ ...row, revoked_at: now }, now);
      }),
  };
};

const endpoint = async (
  { config, listening }: EnrollmentDependencies,
  told: string | undefined,
): Promise<Endpoint> => {
  const { host, port } = listening();
  const address = told ?? config.current.public_address;
  if (address !== '') return parseAddress(address, port);
  return { host: await ownAddress(host), port };
};
