/** Who the engine is to an agent, and who an agent is to the engine: pins, authorities, certificates. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { encodeBase64url } from '../../src/crypto/base64url.ts';
import { createAuthority, issueClientCertificate, loadAuthority } from '../../src/crypto/ca.ts';
import { generateEd25519 } from '../../src/crypto/ed25519.ts';
import { AGENT_PATHS } from '../../src/protocol/enrolment.ts';
import { EngineDouble } from '../agent/engine-double.ts';
import { RawAgent } from '../daemon/raw-agent.ts';
import { Place } from '../lab/processes.ts';

let place: Place;
let impostor: EngineDouble | undefined;
beforeEach(async () => {
  place = new Place();
  await place.startEngine();
});
afterEach(async () => {
  await impostor?.close();
  impostor = undefined;
  await place.dispose();
});

test('a link with another pin: the agent says so, and sends neither code nor key', async () => {
  const { link, id, pin } = await place.code();
  const otherPin = `${pin[0] === 'A' ? 'B' : 'A'}${pin.slice(1)}`;
  const { code, stdout } = await place.agent(
    'device',
    ['enroll', '-', '--json'],
    {},
    link.replace(pin, otherPin),
  ).finished;
  expect(code).not.toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'PIN_MISMATCH' } });
  expect(await place.client.call('approval.list', { all: true })).toEqual([]);
  const codes = await place.client.call('code.list', {});
  expect(codes.find((one) => one.id === id)).toMatchObject({ uses_left: 1 });
});

test('an impostor with the right name and a certificate of another authority is told from the engine', async () => {
  impostor = await EngineDouble.start();
  const { link } = await place.code();
  const address = await place.agentAddress();
  const toImpostor = link.replace(address, `127.0.0.1:${impostor.address.port}`);
  expect(toImpostor).not.toBe(link);
  const { code, stdout } = await place.agent('device', ['enroll', '-', '--json'], {}, toImpostor).finished;
  expect(code).not.toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'PIN_MISMATCH' } });
  expect(impostor.requests).toBe(0);
});

test('an agent that is enrolled shows an impostor no token, no proof and not even its certificate’s use', async () => {
  await place.enrolAgent('device');
  impostor = await EngineDouble.start();
  const membership = place.path('device', 'system', 'membership.json');
  const known = JSON.parse(readFileSync(membership, 'utf8'));
  // As when somebody has taken over the engine's address.
  known.engine = impostor.address;
  writeFileSync(membership, JSON.stringify(known));
  const agent = place.agent('device', ['run']);
  await agent.until(() => agent.stderr.includes('PIN_MISMATCH'), 'the agent notices');
  expect(impostor.peers).toEqual([]);
  expect(impostor.requests).toBe(0);
  expect((await agent.kill('SIGTERM')).code).toBe(0);
  expect(existsSync(membership)).toBe(true);
});

test('without a client certificate, or with one of another authority, nothing but enrolment is answered', async () => {
  const agent = new RawAgent((await place.code({ auto_approve: true })).link);
  await agent.enrol();
  const now = new Date();
  const { guid } = agent.enrolled!;
  const authority = await loadAuthority(
    await createAuthority({ now, commonName: 'Borealis engine authority' }),
  );
  const issued = await issueClientCertificate(authority, {
    guid,
    context: 'system',
    publicKey: agent.key.publicKey,
    now,
  });
  const forged = { key: agent.key, certificate: issued.certificatePem };
  // Even with the number of the one on record, so that nothing but its authority is wrong with it.
  const rightful = onRecord('certificate_serial', guid, issued.serial);
  for (const shown of [undefined, forged]) {
    const channel = await agent.channel({ shown });
    channel.socket.destroy();
    expect(channel).toMatchObject({ status: 401, code: 'CERTIFICATE_REQUIRED' });
    for (const path of [AGENT_PATHS.refresh, AGENT_PATHS.renew]) {
      const body = path === AGENT_PATHS.refresh ? { refresh_token: agent.enrolled!.refresh_token } : {};
      const reply = await agent.post(await agent.connect(shown), path, body, agent.headers('POST', path));
      expect(reply).toMatchObject({ status: 401, code: 'CERTIFICATE_REQUIRED' });
    }
  }
  onRecord('certificate_serial', guid, rightful);
  // Nothing of that has used up anything of the rightful agent.
  expect((await agent.refresh()).status).toBe(200);
});

test('a certificate of this engine for a key that is no longer the one on record', async () => {
  const agent = new RawAgent((await place.code({ auto_approve: true })).link);
  await agent.enrol();
  const { guid } = agent.enrolled!;
  const own = onRecord('public_key', guid, encodeBase64url(generateEd25519().publicKey));
  const channel = await agent.channel();
  channel.socket.destroy();
  expect(channel).toMatchObject({ status: 401, code: 'CERTIFICATE_REQUIRED' });
  expect(await agent.refresh()).toMatchObject({ status: 401, code: 'CERTIFICATE_REQUIRED' });
  onRecord('public_key', guid, own);
  expect((await agent.refresh()).status).toBe(200);
});

/** Changes what the running engine has on record of a device's key or certificate; returns what it was. */
const onRecord = (column: 'certificate_serial' | 'public_key', guid: string, value: string): string => {
  const store = new BetterSqlite3(place.path('engine', 'borealis.db'));
  try {
    const before = store.prepare(`select ${column} from device_context where guid = ?`).pluck().get(guid);
    store.prepare(`update device_context set ${column} = ? where guid = ?`).run(value, guid);
    return String(before);
  } finally {
    store.close();
  }
};
