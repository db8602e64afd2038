/**
 * node prepare.ts STATE FILE COUNT: a state directory in which COUNT agents are enrolled, and what those agents hold.
 *
 * The real way in would take hours, because it is limited in rate on purpose. So the rows are written directly; keys,
 * certificates and tokens are real, made by the code and the authority of the engine that will check them.
 */
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeBase64url } from '../../src/crypto/base64url.ts';
import { issueClientCertificate, issueServerCertificate } from '../../src/crypto/ca.ts';
import { generateEd25519 } from '../../src/crypto/ed25519.ts';
import { jwkThumbprint } from '../../src/crypto/keys.ts';
import { ACCESS_TOKEN_SECONDS, issueAccessToken } from '../../src/crypto/token.ts';
import { KeyRing, masterKeyFile } from '../../src/daemon/keys/key-ring.ts';
import { openAuthority } from '../../src/daemon/trust/authority.ts';
import { issueRefreshToken } from '../../src/daemon/trust/refresh-token.ts';
import { SqliteStore } from '../../src/store/sqlite.ts';
import { systemClock } from '../../src/sys/clock.ts';
import { ensurePrivateDirectory } from '../../src/sys/files.ts';
import type { EnrolledAgent, FleetHead } from './enrolled.ts';
import { deviceRow } from './rows.ts';

const BATCH = 250;
const context = 'system';

const prepare = async (state: string, file: string, count: number): Promise<void> => {
  await ensurePrivateDirectory(state);
  const store = await SqliteStore.open(join(state, 'borealis.db'));
  const keys = await KeyRing.open(store, masterKeyFile(state, {}), systemClock);
  const authority = await openAuthority(keys, store, systemClock);
  const now = new Date();

  const enrol = async (index: number) => {
    const { seed, publicKey } = generateEd25519();
    const device = { ...deviceRow(index), last_seen_at: null, clock_offset_ms: null };
    const issued = await issueClientCertificate(authority, { guid: device.guid, context, publicKey, now });
    return { seed, publicKey, device, issued };
  };

  const made: (Awaited<ReturnType<typeof enrol>> & { refreshToken: string })[] = [];
  for (let from = 0; from < count; from += BATCH) {
    const batch = await Promise.all(
      Array.from({ length: Math.min(BATCH, count - from) }, (_, i) => enrol(from + i)),
    );
    await store.write(async (tx) => {
      for (const one of batch) {
        const { device, publicKey, issued } = one;
        await tx.db.insertInto('device').values(device).execute();
        await tx.db
          .insertInto('device_context')
          .values({
            guid: device.guid,
            context,
            public_key: encodeBase64url(publicKey),
            certificate_serial: issued.serial,
            certificate_not_before: issued.notBefore.getTime(),
            certificate_not_after: issued.notAfter.getTime(),
            enrolled_at: now.getTime(),
          })
          .execute();
        const { token } = await issueRefreshToken(tx, { guid: device.guid, context }, now.getTime());
        made.push({ ...one, refreshToken: token });
      }
    });
  }

  // Last, because they are good for a quarter of an hour only.
  const signing = keys.signingKey();
  const floor = await issueServerCertificate(authority, { names: [], addresses: [], now, days: 2 });
  const head: FleetHead = {
    pin: authority.pin,
    authority: authority.certificatePem,
    signingKey: encodeBase64url(signing.publicKey),
    signingKeyId: signing.keyId,
    tokensExpireAt: Date.now() + ACCESS_TOKEN_SECONDS * 1_000,
    floor: { certificate: floor.certificatePem + authority.certificatePem, key: floor.privateKeyPem },
  };
  writeFileSync(file, `${JSON.stringify(head)}\n`, { mode: 0o600 });
  for (const { seed, publicKey, device, issued, refreshToken } of made) {
    const holder = { guid: device.guid, context, tokenVersion: 1, jkt: jwkThumbprint(publicKey) } as const;
    const agent: EnrolledAgent = {
      guid: device.guid,
      name: device.name,
      seed: encodeBase64url(seed),
      certificate: issued.certificatePem,
      accessToken: issueAccessToken(holder, { seed: signing.seed, now: new Date() }).token,
      refreshToken,
    };
    appendFileSync(file, `${JSON.stringify(agent)}\n`);
  }
  await store.close();
};

const [state, file, count] = process.argv.slice(2);
await prepare(state!, file!, Number(count));
process.send?.('done');
