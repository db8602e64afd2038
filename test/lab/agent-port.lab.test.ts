/** The agent's own port: at the tunnel's address alone, for the engine alone, and only with a token that it signed. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nodeEd25519 } from '../../src/crypto/ed25519.ts';
import { type EnvelopeType, sealEnvelope } from '../../src/crypto/envelope.ts';
import {
  AGENT_PORT_TYPE,
  type AgentPortClaims,
  FROM_AGENT_PORT,
  TO_AGENT_PORT,
} from '../../src/protocol/agent-port.ts';
import { encodeFrame } from '../../src/protocol/agent-port-codec.ts';
import { AGENT_PORT, type Tunnel } from '../../src/protocol/tunnel.ts';
import { requires } from '../require.ts';
import { membershipOf, signingKey } from './engine-keys.ts';
import { type Inside, tryTcp } from './inside.ts';
import { LAB_NEEDS, Lab } from './lab.ts';

/** Sends the bytes; all that comes until the other side ends, or the error's code. */
const send = (inside: Inside, address: string, bytes: Buffer, from?: string): Promise<Buffer | string> => {
  const where = { port: AGENT_PORT, host: address, ...(from && { localAddress: from }) };
  const program = `const s = require('node:net').connect(${JSON.stringify(where)});
    const say = (text) => process.stdout.write(text, () => process.exit());
    const chunks = [];
    s.setTimeout(8000, () => say('!silence'));
    s.on('data', (data) => chunks.push(data)).on('error', (e) => say('!' + e.code));
    s.on('end', () => say(Buffer.concat(chunks).toString('base64')));
    s.write(Buffer.from('${bytes.toString('base64')}', 'base64'));`;
  const [file, ...args] = inside.argv(process.execPath, '-e', program);
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  return new Promise((resolve) =>
    child.once('close', () => resolve(said.startsWith('!') ? said.slice(1) : Buffer.from(said, 'base64'))),
  );
};

/** What the first frame says: its kind, and of a refusal its code. */
const answerOf = (bytes: Buffer | string): string => {
  if (typeof bytes === 'string') return bytes;
  if (bytes.length === 0) return 'nothing';
  const [length, kind] = [bytes.readUInt32BE(0), bytes.readUInt8(4)];
  const payload = bytes.subarray(5, 4 + length).toString('utf8');
  if (kind === FROM_AGENT_PORT.REFUSED) return (JSON.parse(payload) as { code: string }).code;
  return Object.entries(FROM_AGENT_PORT).find(([, number]) => number === kind)?.[0] ?? String(kind);
};

const NOBODY_THERE = /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EACCES|EPERM|EDESTADDRREQ|ECONNRESET|silence)$/;

describe("the agent's port", requires(...LAB_NEEDS), () => {
  let lab: Lab;
  let north: Tunnel;
  let south: Tunnel;
  let target: Record<'north' | 'south', string>;
  beforeAll(async () => {
    lab = await Lab.start(['north', 'south']);
    await lab.startEngine();
    await Promise.all([lab.startDevice('north'), lab.startDevice('south')]);
  });
  afterAll(() => lab?.dispose());

  const claims = (rest: Partial<AgentPortClaims> = {}): object => {
    const now = Math.floor(Date.now() / 1000);
    return {
      purpose: 'list',
      tunnel_id: north.tunnel_id,
      nonce: randomBytes(32).toString('base64url'),
      iat: now,
      exp: now + 60,
      agent_targets: [target.north],
      actor: 'root',
      ...rest,
    };
  };
  const token = (
    what: object,
    { seed = signingKey(lab, 'north').seed, typ = AGENT_PORT_TYPE as EnvelopeType } = {},
  ): Buffer => {
    const text = sealEnvelope(what, { seed, kid: signingKey(lab, 'north').keyId, typ }, nodeEd25519);
    return encodeFrame(TO_AGENT_PORT.OPEN, Buffer.from(text, 'ascii'));
  };
  const ask = async (bytes: Buffer): Promise<string> =>
    answerOf(await send(lab.engine, north.virtual_ip!, bytes));

  test('is nowhere while there is no tunnel', async () => {
    for (const name of ['north', 'south']) {
      expect(lab.device(name).run('ss', '-Hltn')).not.toContain(`:${AGENT_PORT}`);
    }
    expect(await tryTcp(lab.device('south'), lab.network.addressOf('north'), AGENT_PORT)).toMatch(
      NOBODY_THERE,
    );
  });

  test('is at the tunnel’s address, and at no other of the device', async () => {
    [north, south] = await Promise.all([
      lab.json<Tunnel>(['tunnel', 'connect', 'north']),
      lab.json<Tunnel>(['tunnel', 'connect', 'south']),
    ]);
    target = {
      north: `${membershipOf(lab, 'north').guid}/system`,
      south: `${membershipOf(lab, 'south').guid}/system`,
    };
    const listening = () => lab.device('north').run('ss', '-Hltn');
    await expect.poll(listening).toContain(`${north.virtual_ip}:${AGENT_PORT}`);
    expect(listening()).not.toMatch(new RegExp(`(0\\.0\\.0\\.0|\\*|\\[::\\]|127\\.0\\.0\\.1):${AGENT_PORT}`));
    const neighbour = lab.device('south');
    expect(await tryTcp(neighbour, lab.network.addressOf('north'), AGENT_PORT)).toMatch(NOBODY_THERE);
    // A neighbour on the LAN that knows the address and the way.
    neighbour.ip(`route add ${north.virtual_ip} via ${lab.network.addressOf('north')}`);
    expect(await tryTcp(neighbour, north.virtual_ip!, AGENT_PORT)).toMatch(NOBODY_THERE);
    neighbour.ip(`route del ${north.virtual_ip}`);
    // Somebody on the device itself, who is not the engine.
    expect(await tryTcp(lab.device('north'), north.virtual_ip!, AGENT_PORT)).not.toBe('echo');
    expect(answerOf(await send(lab.device('north'), north.virtual_ip!, token(claims())))).not.toBe('SHELLS');
  });

  test('answers the engine, with its token', async () => {
    expect(await ask(token(claims()))).toBe('SHELLS');
  });

  test('refuses another device of the network, and another address of the engine’s', async () => {
    const device = lab.device('south');
    expect(answerOf(await send(device, north.virtual_ip!, token(claims())))).toMatch(NOBODY_THERE);
    lab.engine.ip('address add 10.255.0.77/32 dev borealis0');
    expect(answerOf(await send(lab.engine, north.virtual_ip!, token(claims()), '10.255.0.77'))).toMatch(
      NOBODY_THERE,
    );
    lab.engine.ip('address del 10.255.0.77/32 dev borealis0');
  });

  test.each<[string, () => Buffer, RegExp]>([
    ['nothing of ours at all', () => Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), /./],
    ['forged by another key', () => token(claims(), { seed: randomBytes(32) }), /INVALID_SIGNATURE/],
    ['expired', () => token(claims({ iat: 1_700_000_000, exp: 1_700_000_060 })), /EXPIRED/],
    ['for an hour', () => token(claims({ exp: Math.floor(Date.now() / 1000) + 3_600 })), /./],
    ['for another device', () => token(claims({ agent_targets: [target.south] })), /./],
    ['for another tunnel', () => token(claims({ tunnel_id: south.tunnel_id! })), /./],
    ['of another type', () => token(claims(), { typ: 'borealis-command+jws' }), /./],
    ['with a word too many', () => token({ ...claims(), more: 1 }), /./],
    ['for a purpose that there is not', () => token({ ...claims(), purpose: 'everything' }), /./],
  ])('refuses what is %s', async (_, bytes, answer) => {
    const said = await ask(bytes());
    expect(said).not.toMatch(/^(SHELLS|OPENED|OUTPUT|silence)$/);
    expect(said).toMatch(answer);
  });

  test('takes a token once', async () => {
    const once = token(claims());
    expect(await ask(once)).toBe('SHELLS');
    expect(await ask(once)).toMatch(/REPLAY/);
  });

  test('ends with the tunnel', async () => {
    await lab.json(['tunnel', 'disconnect', 'north']);
    await expect.poll(() => lab.device('north').run('ss', '-Hltn')).not.toContain(`:${AGENT_PORT}`);
    expect(await tryTcp(lab.engine, north.virtual_ip!, AGENT_PORT)).toMatch(NOBODY_THERE);
  });
});
