/** The real agent and an engine that has turned against it: what it refuses to do, and what it says of it. */
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateEd25519, nobleEd25519 } from '../../src/crypto/ed25519.ts';
import { sealEnvelope } from '../../src/crypto/envelope.ts';
import { COMMAND_TYPE, type CommandClaims } from '../../src/protocol/command.ts';
import { CLOSE } from '../../src/protocol/frame.ts';
import { openResult, type Peer } from '../agent/engine-double.ts';
import { Place, type Process } from '../lab/processes.ts';
import { connectedPeer, type Turned, turnedEngine } from '../lab/turned-engine.ts';

let place: Place;
let agent: Process;
let turned: Turned;
let peer: Peer;
beforeAll(async () => {
  place = new Place();
  const engine = await place.startEngine();
  const address = await place.agentAddress();
  await place.enrolAgent('device');
  await engine.kill('SIGTERM');
  turned = await turnedEngine(place, address, 'device');
  agent = place.agent('device', ['run']);
  peer = await connectedPeer(turned);
});
afterAll(async () => {
  await turned.engine.close();
  await place.dispose();
});

let marks = 0;
const newMark = (): string => place.path(`it-ran-${marks++}`);
const now = (): number => Math.floor(Date.now() / 1_000);
const claimsFor = (mark: string, change: Partial<CommandClaims> = {}): CommandClaims =>
  turned.engine.claims(turned.device, { args: { argv: ['/bin/sh', '-c', `echo >> ${mark}`] }, ...change });
const send = (envelope: string): void => peer.send({ type: 'COMMAND', envelope });
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const sealedBy = (seed: Uint8Array, claims: object): string =>
  sealEnvelope(claims, { seed, kid: turned.engine.signingKeyId, typ: COMMAND_TYPE }, nobleEd25519);

const resultOf = async (corrId: string) =>
  openResult((await peer.frame('RESULT', (frame) => frame.corr_id === corrId)).envelope, turned.device);

/** Each message, the error code of its refusal, and how the agent tells the engine of it. */
const refusals: Record<
  string,
  readonly [make: (mark: string) => { claims: object; envelope: string }, code: string, kind: string]
> = {
  expired: [
    (mark) => signed(claimsFor(mark, { iat: now() - 120, exp: now() - 60 })),
    'EXPIRED_TOKEN',
    'notice',
  ],
  'of the future': [
    (mark) => signed(claimsFor(mark, { iat: now() + 600, exp: now() + 900 })),
    'EXPIRED_TOKEN',
    'notice',
  ],
  tampered: [
    (mark) => {
      const claims = claimsFor(mark);
      const [header, , signature] = turned.engine.seal(claimsFor(newMark())).split('.');
      return { claims, envelope: `${header}.${part(claims)}.${signature}` };
    },
    'INVALID_SIGNATURE',
    'signature_refused',
  ],
  unsigned: [
    (mark) => {
      const claims = claimsFor(mark);
      const header = part({ alg: 'none', typ: COMMAND_TYPE, kid: turned.engine.signingKeyId });
      return { claims, envelope: `${header}.${part(claims)}.` };
    },
    'INVALID_SIGNATURE',
    'signature_refused',
  ],
  'signed by somebody else': [
    (mark) => {
      const claims = claimsFor(mark);
      return { claims, envelope: sealedBy(generateEd25519().seed, claims) };
    },
    'INVALID_SIGNATURE',
    'signature_refused',
  ],
  'signed with the agent’s own key': [
    (mark) => {
      const claims = claimsFor(mark);
      return { claims, envelope: sealedBy(turned.device.seed, claims) };
    },
    'INVALID_SIGNATURE',
    'signature_refused',
  ],
  'addressed to another device': [
    (mark) => signed(claimsFor(mark, { agent_targets: [`${randomUUID()}/system`] })),
    'NOT_ADDRESSED',
    'signature_refused',
  ],
  'addressed to the other context': [
    (mark) => signed(claimsFor(mark, { agent_targets: [`${turned.device.guid}/user`] })),
    'NOT_ADDRESSED',
    'signature_refused',
  ],
  'with a key too many': [(mark) => signed({ ...claimsFor(mark), sudo: true }), 'SCHEMA_MISMATCH', 'notice'],
};
const signed = (claims: object): { claims: object; envelope: string } => ({
  claims,
  envelope: turned.engine.seal(claims),
});

describe('a command does not run', () => {
  test.each(Object.entries(refusals))('that is %s', async (_name, [make, code, kind]) => {
    const mark = newMark();
    const { claims, envelope } = make(mark);
    const { corr_id: corrId } = claims as CommandClaims;
    send(envelope);
    const event = await peer.frame('EVENT', (frame) => frame.corr_id === corrId);
    expect(event.kind).toBe(kind);
    expect(await resultOf(corrId)).toMatchObject({ state: 'refused', error_code: code, exit_code: null });
    await peer.settled();
    expect(peer.all('ACCEPTED').filter((frame) => frame.corr_id === corrId)).toEqual([]);
    expect(existsSync(mark)).toBe(false);
    expect(agent.stderr).toContain(`"code":"${code}"`);
  });

  test('a second time: neither with the same number nor with the same nonce', async () => {
    const mark = newMark();
    const claims = claimsFor(mark);
    const envelope = turned.engine.seal(claims);
    send(envelope);
    expect(await resultOf(claims.corr_id)).toMatchObject({ state: 'succeeded' });
    // While the result waits to be fetched, the same command is a question for it, and nothing more.
    send(envelope);
    await peer.settled();
    expect(peer.all('EVENT').filter((event) => event.corr_id === claims.corr_id)).toEqual([]);
    peer.send({ type: 'RESULT_ACK', corr_id: claims.corr_id });
    await peer.settled();
    send(envelope);
    const told = await peer.frame('EVENT', (frame) => frame.corr_id === claims.corr_id);
    expect(told.kind).toBe('replay_refused');
    const other = { ...claims, corr_id: randomBytes(18).toString('base64url') };
    send(turned.engine.seal(other));
    expect(await resultOf(other.corr_id)).toMatchObject({ error_code: 'REPLAY_DETECTED' });
    expect(readFileSync(mark, 'utf8')).toBe('\n');
  });

  test('of a verb that the agent does not know', async () => {
    const claims = claimsFor(newMark(), { verb: 'format_disk', args: {} });
    send(turned.engine.seal(claims));
    expect(await resultOf(claims.corr_id)).toMatchObject({ state: 'refused', error_code: 'UNKNOWN_VERB' });
  });

  test('with an argument too many, or of another kind', async () => {
    for (const args of [{ argv: ['true'], shell: true }, { argv: 'true' }, { argv: [] }, {}]) {
      const claims = claimsFor(newMark(), { args });
      send(turned.engine.seal(claims));
      expect(await resultOf(claims.corr_id)).toMatchObject({ error_code: 'VALIDATION_FAILED' });
    }
  });

  test('of a script whose body is not the one that was signed', async () => {
    const mark = newMark();
    const body = `echo >> ${mark}`;
    const sha256 = '0'.repeat(64);
    const script = { name: 'tidy', language: 'shell' };
    const signature = turned.engine.seal({ ...script, sha256 }, 'borealis-script+jws');
    const args = { ...script, body, signature, arguments: [] };
    const claims = claimsFor(mark, { verb: 'run_script', args });
    send(turned.engine.seal(claims));
    expect(await resultOf(claims.corr_id)).toMatchObject({ error_code: 'INVALID_SIGNATURE' });
    expect(existsSync(mark)).toBe(false);
  });
});

test('the agent that refused all that still does what it is rightly told', async () => {
  const mark = newMark();
  const claims = claimsFor(mark);
  send(turned.engine.seal(claims));
  expect(await resultOf(claims.corr_id)).toMatchObject({ state: 'succeeded', exit_code: 0 });
  expect(readFileSync(mark, 'utf8')).toBe('\n');
});

test('a frame that is no frame: the agent hangs up, and comes back', async () => {
  for (const [index, junk] of [
    'not JSON',
    '{"type":"COMMAND"}',
    '{"type":"PING","t":1,"x":1}',
    '[]',
  ].entries()) {
    const current = await turned.engine.peer(index);
    await current.frame('HELLO');
    current.socket.send(junk);
    expect((await current.closed).code).toBe(CLOSE.malformed);
  }
  await turned.engine.peer(4);
  expect(agent.running).toBe(true);
});

test('kill -9 makes the agent forget nothing that it ran', async () => {
  const mark = newMark();
  const claims = claimsFor(mark);
  const envelope = turned.engine.seal(claims);
  const last = turned.engine.peers.length - 1;
  const before = await turned.engine.peer(last);
  await before.settled();
  before.acknowledges = true;
  // Results of the tests before, which came again at once: until they are acknowledged, others wait behind them.
  for (const { corr_id } of before.all('RESULT')) before.send({ type: 'RESULT_ACK', corr_id });
  before.send({ type: 'COMMAND', envelope });
  await before.frame('RESULT', (frame) => frame.corr_id === claims.corr_id);
  await before.settled();
  await agent.kill('SIGKILL');
  agent = place.agent('device', ['run']);
  const after = await turned.engine.peer(last + 1);
  await after.settled();
  after.send({ type: 'COMMAND', envelope });
  const told = await after.frame('EVENT', (frame) => frame.corr_id === claims.corr_id);
  expect(told.kind).toBe('replay_refused');
  expect(readFileSync(mark, 'utf8')).toBe('\n');
});
