/** Proofs and tokens, taken from an enrolled agent by somebody who can even use its certificate. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { generateEd25519 } from '../../src/crypto/ed25519.ts';
import { AGENT_PATHS } from '../../src/protocol/enrolment.ts';
import { CLOSE } from '../../src/protocol/frame.ts';
import { RawAgent } from '../daemon/raw-agent.ts';
import { Place } from '../lab/processes.ts';
import { RawChannel } from '../lab/raw-channel.ts';

const CHANNEL = AGENT_PATHS.channel;

let place: Place;
let agent: RawAgent;
beforeEach(async () => {
  place = new Place();
  await place.startEngine();
  agent = new RawAgent((await place.code({ auto_approve: true })).link);
  await agent.enrol();
});
afterEach(() => place.dispose());

const tryChannel = async (headers: Record<string, string>) => {
  const { socket, ...reply } = await agent.channel({ headers });
  socket.destroy();
  return reply;
};
const withProof = (dpop: string): Record<string, string> => ({
  authorization: `DPoP ${agent.enrolled!.access_token}`,
  dpop,
});
const alertOf = (code: string) => place.event('security.alert', ({ data }) => data.code === code);

test('a proof counts once, for its own address, and of its own key', async () => {
  const accessToken = agent.enrolled!.access_token;
  const once = agent.headers('GET', CHANNEL);
  expect((await tryChannel(once)).status).toBe(101);
  expect(await tryChannel(once)).toMatchObject({ status: 401, code: 'REPLAY_DETECTED' });
  await alertOf('REPLAY_DETECTED');

  for (const [method, path] of [
    ['GET', AGENT_PATHS.renew],
    ['POST', CHANNEL],
    ['GET', `${CHANNEL}/`],
  ] as const) {
    const reply = await tryChannel(withProof(agent.proof(method, path, { accessToken })));
    expect([method, path, reply.status, reply.code]).toEqual([method, path, 401, 'PROOF_INVALID']);
  }
  const key = generateEd25519();
  expect(await tryChannel(withProof(agent.proof('GET', CHANNEL, { accessToken, key })))).toMatchObject({
    status: 401,
    code: 'PROOF_INVALID',
  });
  expect(await tryChannel(withProof(agent.proof('GET', CHANNEL)))).toMatchObject({
    status: 401,
    code: 'PROOF_INVALID',
  });
  await alertOf('PROOF_INVALID');
  const { signature_failures } = await place.client.call('status.show', {});
  expect(signature_failures).toBeGreaterThanOrEqual(6);
  expect((await tryChannel(agent.headers('GET', CHANNEL))).status).toBe(101);
});

test('a refresh token used again ends all that came of it, and the live channel at once', async () => {
  const stolen = agent.enrolled!.refresh_token;
  expect((await agent.refresh()).status).toBe(200);
  expect((await agent.refresh()).status).toBe(200);
  const channel = await RawChannel.welcomed(agent);
  expect(await agent.refresh(stolen)).toMatchObject({ status: 401, code: 'TOKEN_REUSED' });
  expect((await channel.closed).code).toBe(CLOSE.unauthorised);
  expect(await agent.refresh()).toMatchObject({ status: 401, code: 'TOKEN_REUSED' });
  expect(await tryChannel(agent.headers('GET', CHANNEL))).toMatchObject({
    status: 401,
    code: 'EXPIRED_TOKEN',
  });
  expect(await alertOf('TOKEN_REUSED')).toMatchObject({ guid: agent.enrolled!.guid });
});

test('twenty at once with the same refresh token get one successor that lasts, never two', async () => {
  const token = agent.enrolled!.refresh_token;
  const replies = await Promise.all(Array.from({ length: 20 }, () => agent.refresh(token)));
  const given = replies.filter(({ status }) => status === 200).map(({ body }) => String(body.refresh_token));
  expect(given.length).toBeGreaterThan(0);
  // An answer may have been lost, so the same agent may ask again; but only one of what it was given goes on.
  const further = [];
  for (const one of given) further.push(await agent.refresh(one));
  expect(further.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
});
