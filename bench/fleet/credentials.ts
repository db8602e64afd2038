/** What an agent of a fleet holds, as the agent's own code wants it. */
import { Credentials } from '../../src/agent/credentials.ts';
import { publicKeyOf } from '../../src/crypto/ed25519.ts';
import { systemClock } from '../../src/sys/clock.ts';
import type { EnrolledAgent, FleetHead } from './enrolled.ts';
import { keptKeys } from './kept-keys.ts';

export const credentialsOf = (
  enrolled: EnrolledAgent,
  head: FleetHead,
  address: { readonly host: string; readonly port: number },
): Credentials => {
  const seed = Buffer.from(enrolled.seed, 'base64url');
  return new Credentials(
    {
      seed,
      publicKey: publicKeyOf(seed),
      membership: {
        guid: enrolled.guid,
        name: enrolled.name,
        context: 'system',
        address,
        pin: head.pin,
        authority: head.authority,
        certificate: enrolled.certificate,
        signingKey: Buffer.from(head.signingKey, 'base64url'),
        signingKeyId: head.signingKeyId,
      },
      tokens: {
        accessToken: enrolled.accessToken,
        accessExpiresAt: head.tokensExpireAt,
        refreshToken: enrolled.refreshToken,
        refreshExpiresAt: Date.now() + 30 * 86_400_000,
        refreshing: false,
      },
    },
    { saveTokens: async () => {}, saveCertificate: async () => {} },
    systemClock,
    keptKeys,
  );
};
