import { chmod, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ensureIdentity,
  fileCredentialStore,
  forgetIdentity,
  loadCredentials,
  loadMembership,
  saveMembership,
  saveTokens,
} from '../../src/agent/identity.ts';
import { type ContextPaths, contextPaths, prepareState } from '../../src/agent/state.ts';
import {
  type Authority,
  createAuthority,
  issueClientCertificate,
  loadAuthority,
} from '../../src/crypto/ca.ts';
import { generateEd25519 } from '../../src/crypto/ed25519.ts';
import { freshTokens, temporary } from './parts.ts';

let folder: ReturnType<typeof temporary>;
let paths: ContextPaths;
let authority: Authority;
const guid = '3f0f6a57-0d0b-4a53-9f2e-1d3b5c7e9a11';

const certificateFor = async (publicKey: Uint8Array) =>
  (await issueClientCertificate(authority, { guid, context: 'system', publicKey, now: new Date() }))
    .certificatePem;

beforeEach(async () => {
  folder = temporary();
  paths = contextPaths(folder.directory, 'system');
  await prepareState(folder.directory, paths);
  authority = await loadAuthority(await createAuthority({ now: new Date(), commonName: 'Borealis CA' }));
});
afterEach(() => folder.remove());

async function enrol() {
  const { publicKey } = await ensureIdentity(paths);
  await saveTokens(paths, freshTokens());
  await saveMembership(paths, {
    guid,
    name: 'device',
    context: 'system',
    address: { host: 'engine.example', port: 8443 },
    pin: authority.pin,
    authority: authority.certificatePem,
    certificate: await certificateFor(publicKey),
    signingKey: generateEd25519().publicKey,
    signingKeyId: 'kid',
  });
  return publicKey;
}

describe('identity', () => {
  it('is made once, in files that only the agent can read', async () => {
    const first = await ensureIdentity(paths);
    const second = await ensureIdentity(paths);
    expect(Buffer.from(second.seed)).toEqual(Buffer.from(first.seed));
    expect((await stat(paths.identity)).mode & 0o777).toBe(0o600);
    expect((await stat(paths.directory)).mode & 0o777).toBe(0o700);
  });

  it('comes back as it was saved, and a renewed certificate takes the place of the old', async () => {
    const publicKey = await enrol();
    const loaded = await loadCredentials(paths);
    expect(Buffer.from(loaded.publicKey)).toEqual(Buffer.from(publicKey));
    expect(loaded.tokens.refreshToken).toBe('r'.repeat(43));
    const renewed = await certificateFor(publicKey);
    await fileCredentialStore(paths).saveCertificate(renewed);
    expect((await loadCredentials(paths)).membership.certificate).toBe(renewed);
    for (const file of [paths.identity, paths.membership, paths.tokens])
      expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it.each(['identity', 'membership', 'tokens'] as const)(
    'refuses a %s that others can read',
    async (name) => {
      await enrol();
      await chmod(paths[name], 0o640);
      await expect(loadCredentials(paths)).rejects.toMatchObject({ code: 'STATE_UNSAFE' });
    },
  );

  it('refuses a directory that others can enter', async () => {
    await chmod(paths.directory, 0o750);
    await expect(prepareState(folder.directory, paths)).rejects.toMatchObject({ code: 'STATE_UNSAFE' });
  });

  it('refuses a link in the place of a file', async () => {
    await enrol();
    const elsewhere = join(folder.directory, 'elsewhere');
    await writeFile(elsewhere, await readFile(paths.tokens), { mode: 0o600 });
    await mkdir(join(folder.directory, 'x'));
    const moved = { ...paths, tokens: join(folder.directory, 'link') };
    await symlink(elsewhere, moved.tokens);
    await expect(loadCredentials(moved)).rejects.toThrow();
  });

  it('refuses an authority that is not the pinned one, and a certificate of another key', async () => {
    await enrol();
    const membership = await loadMembership(paths);
    if (!membership) throw new Error('it was just saved');
    const other = await loadAuthority(await createAuthority({ now: new Date(), commonName: 'Other' }));
    await saveMembership(paths, { ...membership, authority: other.certificatePem });
    await expect(loadCredentials(paths)).rejects.toMatchObject({ code: 'STATE_DAMAGED' });
    const certificate = await certificateFor(generateEd25519().publicKey);
    await saveMembership(paths, { ...membership, certificate });
    await expect(loadCredentials(paths)).rejects.toMatchObject({ code: 'STATE_DAMAGED' });
  });

  it.each([
    ['identity', 'nonsense', /identity\.pem: it is not a private key/],
    ['membership', '{"version":1}', /membership\.json: it does not have the agreed form/],
    ['tokens', '{', /tokens\.json: it does not have the agreed form/],
  ] as const)('says which file is damaged: %s', async (name, text, said) => {
    await enrol();
    await writeFile(paths[name], text);
    await expect(loadCredentials(paths)).rejects.toMatchObject({
      code: 'STATE_DAMAGED',
      message: expect.stringMatching(said),
      next: expect.stringContaining('borealis-agent unenroll'),
    });
  });

  it.each(['identity', 'tokens'] as const)('says that the %s of an enrolment is missing', async (name) => {
    await enrol();
    await rm(paths[name]);
    await expect(loadCredentials(paths)).rejects.toMatchObject({
      code: 'STATE_DAMAGED',
      message: expect.stringContaining('it is missing'),
    });
  });

  it('is forgotten without a trace', async () => {
    await enrol();
    await writeFile(paths.sealKey, 'k', { mode: 0o600 });
    await forgetIdentity(paths);
    await expect(loadCredentials(paths)).rejects.toMatchObject({ code: 'NOT_ENROLLED' });
    for (const path of [paths.identity, paths.sealKey])
      await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
