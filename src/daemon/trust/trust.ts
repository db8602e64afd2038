/** Everything that engine and agents trust each other by, opened once at the start of the engine. */
import type { Logger } from 'pino';
import type { Config } from '../../config/settings.ts';
import type { Authority } from '../../crypto/ca.ts';
import { AGENT_PATHS, refreshRequest, renewRequest } from '../../protocol/enrolment.ts';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { AuditTrail } from '../audit/trail.ts';
import type { Channels } from '../channel/channels.ts';
import type { EventLog } from '../events/log.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { type AgentRoute, agentRoute } from '../listener/route.ts';
import { Authenticator } from './authenticator.ts';
import { openAuthority } from './authority.ts';
import { ClientCertificates } from './renewal.ts';
import { SecurityWatch } from './security-watch.ts';
import { ServerCertificate } from './server-certificate.ts';
import { TicketKeys } from './ticket-keys.ts';
import { TlsIdentity } from './tls-identity.ts';
import { TokenService } from './tokens.ts';

export interface TrustDependencies {
  readonly store: Store;
  readonly keys: KeyRing;
  readonly clock: Clock;
  readonly events: EventLog;
  readonly audit: AuditTrail;
  readonly channels: Channels;
  /** Read anew for each use: some settings change while the engine runs. */
  readonly config: { readonly current: Config };
  readonly log: Logger;
}

export interface Trust {
  readonly authority: Authority;
  /** TLS of the agents' listener; its `ends` are what doctor and status want. */
  readonly identity: TlsIdentity;
  readonly authenticator: Authenticator;
  readonly certificates: ClientCertificates;
  readonly tokens: TokenService;
  /** Also for the channel: it counts and tells refused signatures of results. */
  readonly watch: SecurityWatch;
  readonly routes: readonly AgentRoute[];
}

/** Makes CA, server certificate and ticket keys where they are missing. Errors: KEYS_UNOPENED, those of the store. */
export const openTrust = async (deps: TrustDependencies): Promise<Trust> => {
  const { store, keys, clock, events, audit, channels, config, log } = deps;
  const authority = await openAuthority(keys, store, clock);
  const certificate = await ServerCertificate.open({ authority, keys, store, clock });
  const tickets = await TicketKeys.open(store, keys, clock);
  const signingKey = keys.signingKey();
  const watch = new SecurityWatch({ store, events, audit, clock, log });
  const authenticator = new Authenticator({ store, clock, watch, log, engineKey: signingKey.publicKey });
  const tokens = new TokenService({ store, signingKey, clock, channels, watch });
  const days = (): number => config.current.certificate_days;
  const certificates = new ClientCertificates({ authority, store, clock, audit, days });
  const routes = [
    agentRoute({
      path: AGENT_PATHS.refresh,
      schema: refreshRequest,
      handle: async (body, request) =>
        tokens.refresh(await authenticator.authenticateKey(request), body.refresh_token),
    }),
    agentRoute({
      path: AGENT_PATHS.renew,
      schema: renewRequest,
      handle: async (_body, request) => ({
        certificate: await certificates.renew(await authenticator.authenticateAgent(request)),
      }),
    }),
  ];
  const identity = new TlsIdentity(authority, certificate, tickets, log);
  return { authority, identity, authenticator, certificates, tokens, watch, routes };
};
