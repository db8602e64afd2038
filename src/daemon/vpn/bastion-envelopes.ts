/** What devices are told of services, signed: nothing else makes an agent host one (protocol/bastion.ts). */
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { nodeEd25519 } from '../../crypto/ed25519.ts';
import { sealEnvelope } from '../../crypto/envelope.ts';
import {
  BASTION_AMENDED_MAX,
  BASTION_PART_MAX,
  BASTION_PARTS_MAX,
  BASTION_TYPE,
  type BastionClaims,
  type HostedChange,
  type HostedService,
} from '../../protocol/bastion.ts';
import { agentTarget } from '../../protocol/command.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { Clock } from '../../sys/clock.ts';
import type { KeyRing } from '../keys/key-ring.ts';

/** That an envelope may be acted on. */
const LIFE_SECONDS = 60;
const compress = promisify(gzip);

export const bastionEnvelopes = (keys: Pick<KeyRing, 'signingKey'>, clock: Clock) => {
  const seal = (claims: object, guid: string, service: string): string => {
    const now = Math.floor(clock.now() / 1000);
    const { seed, keyId } = keys.signingKey();
    const whole = {
      ...claims,
      service,
      nonce: randomBytes(32).toString('base64url'),
      iat: now,
      exp: now + LIFE_SECONDS,
      agent_targets: [agentTarget(guid, 'system')],
    } as BastionClaims;
    return sealEnvelope(whole, { seed, kid: keyId, typ: BASTION_TYPE }, nodeEd25519);
  };
  return {
    /** In the order in which they are to be sent. Errors: INVALID_INPUT where it is too large for any device. */
    hold: async (guid: string, service: HostedService, revision: number): Promise<string[]> => {
      const body = (await compress(JSON.stringify(service))).toString('base64url');
      const parts = Math.ceil(body.length / BASTION_PART_MAX);
      if (parts > BASTION_PARTS_MAX)
        throw new BorealisError('INVALID_INPUT', { detail: `${service.name} is too large for a device.` });
      return Array.from({ length: parts }, (_, part) => {
        const piece = body.slice(part * BASTION_PART_MAX, (part + 1) * BASTION_PART_MAX);
        return seal({ action: 'hold', revision, part, parts, body: piece }, guid, service.id);
      });
    },
    /** Null where that is so much that it is to be told with the whole. */
    amend: (guid: string, service: string, change: HostedChange): string | null => {
      if (Math.max(change.gone.length, change.come.length) > BASTION_AMENDED_MAX) return null;
      if (JSON.stringify(change).length > BASTION_PART_MAX) return null;
      return seal({ action: 'amend', ...change }, guid, service);
    },
    drop: (guid: string, service: string): string => seal({ action: 'drop' }, guid, service),
    switch: (guid: string, service: string, id: string): string =>
      seal({ action: 'switch', id }, guid, service),
  };
};
