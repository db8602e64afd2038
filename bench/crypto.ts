/** Ed25519 and the signed envelopes, against node:crypto with key objects at hand. */
import { createPrivateKey, createPublicKey, randomBytes, sign, verify } from 'node:crypto';
import { type Ed25519, generateEd25519, nobleEd25519, nodeEd25519 } from '../src/crypto/ed25519.ts';
import { openEnvelope, sealEnvelope } from '../src/crypto/envelope.ts';
import { jwkThumbprint, publicKeyToSpkiDer, seedToPem } from '../src/crypto/keys.ts';
import { COMMAND_TYPE } from '../src/protocol/command.ts';
import type { Benchmark } from './bench.ts';
import { inTurns, median, rate } from './measure.ts';
import type { Row } from './row.ts';

const { seed, publicKey } = generateEd25519();
const privateKeyObject = createPrivateKey(seedToPem(seed));
const publicKeyObject = createPublicKey({ key: publicKeyToSpkiDer(publicKey), format: 'der', type: 'spki' });
const message = randomBytes(512);
const signature = sign(null, message, privateKeyObject);

const claims = {
  corr_id: 'a'.repeat(22),
  verb: 'run_command',
  args: { argv: ['uptime', '--pretty'] },
  actor: 'root',
  policy_id: 'b'.repeat(22),
  nonce: randomBytes(32).toString('base64url'),
  iat: 1_700_000_000,
  exp: 1_700_003_600,
  agent_targets: ['5b8f6f2e-7f0c-4a55-9d5c-3d2f4f0f8a11/system'],
  timeout: 45,
};
const kid = jwkThumbprint(publicKey);
const seal = (ed: Ed25519): string => sealEnvelope(claims, { seed, kid, typ: COMMAND_TYPE }, ed);
const envelope = seal(nodeEd25519);
const open = (ed: Ed25519): unknown =>
  openEnvelope(envelope, { publicKey, typ: COMMAND_TYPE, maxBytes: 1_048_576 }, ed);

const times = (count: number, work: () => unknown) => () =>
  rate(count, () => {
    for (let i = 0; i < count; i++) work();
  });

export const benchmark: Benchmark = {
  name: 'crypto',
  summary: 'Ed25519 twice over, and signed envelopes',
  async run({ settings }) {
    const scale = settings.quick ? 0.1 : 1;
    const many = Math.round(4_000 * scale);
    const few = Math.round(400 * scale);
    const found = await inTurns(settings.quick ? 3 : 9, {
      bareSign: times(many, () => sign(null, message, privateKeyObject)),
      nodeSign: times(many, () => nodeEd25519.sign(message, seed)),
      nobleSign: times(few, () => nobleEd25519.sign(message, seed)),
      seal: times(many, () => seal(nodeEd25519)),
      bareVerify: times(many, () => verify(null, message, publicKeyObject, signature)),
      nodeVerify: times(many, () => nodeEd25519.verify(signature, message, publicKey)),
      nobleVerify: times(few, () => nobleEd25519.verify(signature, message, publicKey)),
      open: times(many, () => open(nodeEd25519)),
    });
    const row = (what: string, measured: number[], floor: number[], floorOf: string): Row => ({
      what,
      unit: '/s',
      measured: median(measured),
      floor: median(floor),
      floorOf,
    });
    return [
      row('sign, engine (node:crypto)', found.nodeSign, found.bareSign, 'node:crypto sign'),
      row('sign, agent (@noble/ed25519)', found.nobleSign, found.bareSign, 'node:crypto sign'),
      row('seal a command', found.seal, found.bareSign, 'node:crypto sign'),
      row('verify, engine (node:crypto)', found.nodeVerify, found.bareVerify, 'node:crypto verify'),
      row('verify, agent (@noble/ed25519)', found.nobleVerify, found.bareVerify, 'node:crypto verify'),
      row('open an envelope', found.open, found.bareVerify, 'node:crypto verify'),
    ];
  },
};
