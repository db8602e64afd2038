/** Puts the capabilities together and opens the doors. Each gets what it needs, and no more. */
import type { Logger } from 'pino';
import { parseHostPort } from '../config/settings.ts';
import { BorealisError } from '../protocol/errors.ts';
import type { OperationName } from '../protocol/operations.ts';
import { VERSION } from '../protocol/version.ts';
import type { Store } from '../store/store.ts';
import { lookupGroup, lookupUser } from '../sys/accounts.ts';
import type { Clock } from '../sys/clock.ts';
import { diskUsage } from '../sys/disk.ts';
import { checkSocketPath } from '../sys/socket-address.ts';
import { engineSocketPath, isEngineSocket } from '../sys/state-paths.ts';
import { Gate } from './api/gate.ts';
import type { SocketPlace } from './api/local-socket.ts';
import { ApiServer } from './api/server.ts';
import { auditOperations } from './audit/operations.ts';
import { Refusals } from './audit/refusals.ts';
import type { AuditTrail, SealHead } from './audit/trail.ts';
import { backupOperations } from './backup/operations.ts';
import type { Handlers } from './capability.ts';
import { agentEvents } from './channel/agent-events.ts';
import { createChannelServer } from './channel/server.ts';
import type { Closers } from './closers.ts';
import { createCommands } from './commands/operations.ts';
import { configOperations, type LiveConfig } from './config/operations.ts';
import { copyOperations } from './copies/operations.ts';
import { deviceOperations } from './devices/operations.ts';
import { Doctor, doctorOperations } from './doctor/operations.ts';
import { createEnrollment } from './enrollment/enrollment.ts';
import { EventLog, type NewEvent } from './events/log.ts';
import { eventOperations } from './events/operations.ts';
import { EventFeed } from './events/watch.ts';
import { createHa } from './ha/create.ts';
import { Callers } from './identity/callers.ts';
import { kernelPeers } from './identity/peers.ts';
import { createInventoryIngest } from './inventory/ingest.ts';
import type { KeyRing } from './keys/key-ring.ts';
import { AgentListener } from './listener/server.ts';
import type { DailyLog } from './log/logger.ts';
import { logOperations } from './log/operations.ts';
import { Recordings } from './recordings/recordings.ts';
import { Retention } from './retention/retention.ts';
import { retentionRules } from './retention/rules.ts';
import { scriptOperations } from './scripts/operations.ts';
import { createShells } from './shells/create.ts';
import { portTokens } from './shells/port-token.ts';
import { Counts } from './status/counts.ts';
import { statusOperations } from './status/operations.ts';
import { createTelemetry } from './telemetry/operations.ts';
import { openTrust } from './trust/trust.ts';
import { createTunnels } from './tunnels/create.ts';
import { Grants } from './users/grants.ts';
import { userOperations } from './users/operations.ts';
import { createVpn } from './vpn/create.ts';

/** What an operation may ask of the process. */
export type End = 'stop' | 'restart';

export interface Ground {
  readonly state: string;
  /** File of the master key. */
  readonly masterKey: string;
  readonly config: LiveConfig;
  readonly clock: Clock;
  readonly dailyLog: DailyLog;
  readonly log: Logger;
  readonly store: Store;
  readonly keys: KeyRing;
  readonly audit: AuditTrail;
  readonly sealHead: SealHead;
  readonly closers: Closers;
  readonly end: (how: End) => void;
  readonly checkOutput: boolean;
}

export const assemble = async (ground: Ground): Promise<{ socket: string }> => {
  const { state, config, clock, store, keys, audit, sealHead, closers, log, dailyLog, end } = ground;
  const startedAt = clock.now();
  const component = (name: string): Logger => log.child({ component: name });
  let ready = false;

  const events = new EventLog(clock);
  const feed = new EventFeed(store.read, events);
  await feed.start();
  closers.add('the event feed', () => feed.close());

  const channels = createChannelServer({
    store,
    events,
    clock,
    log: component('channel'),
    watch: { alert: (alert) => trust.watch.alert(alert) },
    config: () => config.current,
  });
  const trust = await openTrust({
    store,
    keys,
    clock,
    events,
    audit,
    channels,
    config,
    log: component('trust'),
  });
  const enrollment = createEnrollment({
    store,
    clock,
    events,
    audit,
    channels,
    config,
    trust,
    signingKey: keys.signingKey(),
    listening: () => listener.address ?? parseHostPort(config.current.listen),
    log: component('enrollment'),
  });
  closers.add('the expiry of enrolment requests', () => enrollment.close());
  const tunnels = await createTunnels({
    store,
    events,
    clock,
    keys,
    channels,
    settings: config.current,
    idleMs: () => config.current.tunnel_idle_minutes * 60_000,
    log: component('tunnels'),
  });
  closers.add('tunnels', () => tunnels.close());
  const vpn = createVpn({
    store,
    events,
    audit,
    clock,
    keys,
    channels,
    pairs: () => ha.pairs,
    heard: (channel, frame) => ha.heard(channel, frame),
    settings: config.current,
    log: component('vpn'),
  });
  const ha = createHa({
    store,
    events,
    audit,
    clock,
    keys,
    channels,
    watch: trust.watch,
    bastions: vpn.bastions,
    log: component('ha'),
  });
  closers.add('VPN services', () => vpn.close());
  closers.add('pairs', () => ha.close());
  const listener = new AgentListener({
    identity: trust.identity,
    authenticator: trust.authenticator,
    routes: [...trust.routes, ...enrollment.routes],
    channels,
    relay: tunnels.relay,
    log: component('listener'),
  });

  const commands = createCommands({
    store,
    events,
    clock,
    keys,
    channels,
    watch: trust.watch,
    log: component('commands'),
  });
  const telemetry = createTelemetry({ store, clock, channels, log: component('telemetry') });
  const inventory = createInventoryIngest({ store, events, channels, log: component('inventory') });
  channels.attach(agentEvents({ store, clock, events, watch: trust.watch, log: component('channel') }));
  closers.add('what agents said', () => closeAll(commands.close(), telemetry.close(), inventory.close()));

  const doctor = new Doctor({
    version: VERSION,
    state,
    clock,
    store,
    diskUsage,
    certificates: () => trust.identity.ends,
    tunnelNetwork: () => tunnels.demandFree(),
    vpn: () => vpn.services.all,
    unknownVariables: config.unknown,
  });
  closers.add('doctor', () => doctor.close());

  const recordings = new Recordings({ state, keys, clock, diskUsage });
  const shells = createShells({
    store,
    events,
    clock,
    keys,
    tunnels: tunnels.sessions,
    recordings,
    recordShells: () => config.current.record_shells,
    log: component('shells'),
  });
  closers.add('shells', () => shells.close());

  const counts = new Counts({ store, clock, events });
  closers.add('the counts', () => counts.close());
  const place = socketPlace(state, config);
  const grants = await Grants.load(store.read);
  const handlers: Handlers<OperationName> = {
    ...statusOperations({
      version: VERSION,
      startedAt,
      state,
      clock,
      store,
      channels,
      counts,
      listeners: () => [
        { kind: 'local', address: place.path },
        ...(listener.address ? [{ kind: 'agent' as const, address: hostPort(listener.address) }] : []),
      ],
      caPin: () => trust.authority.pin,
      tunnels: () => tunnels.sessions.all.size,
      ha: () => ha.states,
      ready: () => ready,
      signatureFailures: () => trust.watch.signatureFailures,
      findings: () => doctor.findings,
    }),
    ...doctorOperations(doctor),
    ...configOperations({ config, store, events }),
    ...logOperations({ log: dailyLog }),
    ...backupOperations({
      store,
      clock,
      state,
      masterKeyFile: ground.masterKey,
      configFile: config.file,
      version: VERSION,
      caPin: () => trust.authority.pin,
      restart: () => end('restart'),
    }),
    ...auditOperations({ store, sealHead }),
    ...eventOperations({ feed, store }),
    ...enrollment.operations,
    ...deviceOperations({ store, clock, events, channels }),
    ...commands.operations,
    ...scriptOperations({ store, events, clock, keys }),
    ...telemetry.operations,
    ...tunnels.operations,
    ...vpn.operations,
    ...ha.operations,
    ...shells.operations,
    ...copyOperations({ store, events, tunnels: tunnels.sessions, tokens: portTokens(keys, clock) }),
    ...userOperations({ store, events, clock, grants, accountExists }),
    'engine.stop': async (_input, call) => {
      await store.write((tx) => call.audit(tx, {}));
      end('stop');
      return { pid: process.pid };
    },
  };

  const callers = new Callers(kernelPeers, grants, process.geteuid?.() ?? -1);
  const gate = new Gate(callers, new Refusals(store, audit, clock), component('identity'));
  const api = new ApiServer({
    handlers,
    gate,
    store,
    trail: audit,
    log: component('api'),
    checkOutput: ground.checkOutput,
  });
  closers.add(
    'the watch on grants',
    grants.onChange(() => api.recheck()),
  );
  closers.add('the doors', () => closeAll(api.close(), listener.close(), channels.close()));
  // Those that an engine before left are known to the first caller; they are reached once their tunnels are up.
  await shells.start();
  // What a device tells of a pair that is not known yet would be taken for one that is no more.
  await ha.start();
  await api.start(place);
  channels.start();
  await listener.start(parseHostPort(config.current.listen));
  enrollment.start();
  await tunnels.start();
  await vpn.start();

  const tell = (event: NewEvent): Promise<void> => store.write((tx) => events.record(tx, event));
  await tell({
    type: 'engine.started',
    message: `The engine ${VERSION} started`,
    data: { pid: process.pid },
  });
  closers.add('the event log', async () => {
    await tell({ type: 'engine.stopping', message: 'The engine stops' });
    // Watchers are sent it in this turn of the loop, before their streams end.
    await new Promise<void>((resolve) => setImmediate(resolve));
  });
  const retention = new Retention({
    store,
    clock,
    log: component('retention'),
    rules: retentionRules(() => config.current, recordings),
  });
  retention.start();
  closers.add('retention', () => retention.close());
  doctor.start((error) =>
    component('doctor').error({ err: error }, 'a round of checks could not be finished'),
  );
  ready = true;
  return { socket: place.path };
};

const socketPlace = (state: string, config: LiveConfig): SocketPlace => {
  const { socket, socket_group: group } = config.current;
  const found = group === '' ? null : lookupGroup(group);
  if (group !== '' && !found) {
    throw new BorealisError('CONFIG_INVALID', {
      detail: `socket_group: this host has no group ${group}.`,
      next: `Create it, or correct ${config.file}.`,
    });
  }
  const path = socket === '' ? engineSocketPath(state) : checkSocketPath(socket);
  // Who starts us may name the usual place too, as `borealisctl daemon start` does.
  return { path, gid: found?.gid ?? null, state: isEngineSocket(state, path) ? state : null };
};

const accountExists = async (name: string, group: boolean): Promise<boolean> =>
  (group ? lookupGroup(name) : lookupUser(name)) !== null;

const hostPort = ({ host, port }: { host: string; port: number }): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/** Waits for all, whatever becomes of any; then fails where one did. */
const closeAll = async (...closing: Promise<void>[]): Promise<void> => {
  await Promise.allSettled(closing);
  await Promise.all(closing);
};
