/** A device with a tunnel, its engine's listener and relay, and the network between them. */
import pino from 'pino';
import { Credentials, type Membership } from '../../../src/agent/credentials.ts';
import { Transport, type Way } from '../../../src/agent/tunnel/transport.ts';
import type { TransportTimes } from '../../../src/agent/tunnel/transport-times.ts';
import { Relay } from '../../../src/daemon/tunnels/relay.ts';
import { systemClock } from '../../../src/sys/clock.ts';
import { AgentSide } from '../../daemon/agent-side.ts';
import { RawAgent } from '../../daemon/raw-agent.ts';
import { keptLog } from '../parts.ts';
import { UdpRouter, WireGuardDouble } from './wireguard-double.ts';

/** Everything a few times slower than the engine's word, and much faster than in life. */
const TIMES: TransportTimes = {
  look: 10,
  doubt: 60,
  silent: 100,
  firstDoubt: 40,
  firstSilent: 80,
  answer: 200,
  trusted: 2_000,
  relaySilent: 400,
  drain: 10,
  probe: 40,
  probeMax: 80,
};
const BEAT_MS = 20;

export class RelayedDevice {
  readonly engine: WireGuardDouble;
  readonly own: WireGuardDouble;
  readonly router: UdpRouter;
  readonly side: AgentSide;
  readonly relay: Relay;
  readonly agent: RawAgent;
  readonly log = keptLog();
  readonly ways: Way[] = [];
  /** Its WireGuard is gone, until it is told where to send. */
  isGone = false;
  /** Where WireGuard was told to send. */
  readonly pointed: (string | null)[] = [];
  readonly tunnels: Set<string>;
  transport: Transport | undefined;

  private constructor(
    parts: Pick<RelayedDevice, 'engine' | 'own' | 'router' | 'side' | 'relay' | 'agent' | 'tunnels'>,
  ) {
    this.engine = parts.engine;
    this.own = parts.own;
    this.router = parts.router;
    this.side = parts.side;
    this.relay = parts.relay;
    this.agent = parts.agent;
    this.tunnels = parts.tunnels;
  }

  static async start(): Promise<RelayedDevice> {
    const engine = await WireGuardDouble.start(BEAT_MS);
    const own = await WireGuardDouble.start();
    const router = await UdpRouter.start(engine.port);
    const tunnels = new Set<string>();
    const probes = new Map<string, string>();
    const relay = new Relay({
      port: engine.port,
      isOpen: (guid) => tunnels.has(guid),
      probed: (guid, key) => {
        engine.known.delete(probes.get(guid) ?? '');
        if (key !== null) engine.known.add(key);
        probes.set(guid, key ?? '');
      },
      log: pino({ level: 'silent' }),
    });
    const side = await AgentSide.start({ relay });
    const agent = new RawAgent((await side.newCode()).link);
    await agent.enrol();
    tunnels.add(agent.enrolled!.guid);
    return new RelayedDevice({ engine, own, router, side, relay, agent, tunnels });
  }

  credentials(change: Partial<Membership> & { accessToken?: string } = {}): Credentials {
    const { agent } = this;
    const { accessToken, ...changed } = change;
    const enrolled = agent.enrolled!;
    return new Credentials(
      {
        ...agent.key,
        tokens: {
          accessToken: accessToken ?? enrolled.access_token,
          accessExpiresAt: Date.now() + 900_000,
          refreshToken: enrolled.refresh_token,
          refreshExpiresAt: Date.now() + 900_000,
          refreshing: false,
        },
        membership: {
          guid: enrolled.guid,
          name: enrolled.name,
          context: enrolled.context,
          address: { host: agent.host, port: agent.port },
          pin: agent.pin,
          authority: enrolled.authority,
          certificate: enrolled.certificate,
          signingKey: Buffer.from(enrolled.signing_key, 'base64url'),
          signingKeyId: enrolled.signing_key_id,
          ...changed,
        },
      },
      { saveTokens: async () => undefined, saveCertificate: async () => undefined },
      systemClock,
    );
  }

  /** WireGuard has been brought up; from here on the transport sees to it. */
  begin(change: { credentials?: Credentials; engineKey?: string } = {}): Transport {
    const { endpoint } = this.router;
    this.own.point(endpoint, 25);
    this.transport = new Transport({
      credentials: change.credentials ?? this.credentials(),
      clock: systemClock,
      log: this.log,
      endpoint,
      engineKey: change.engineKey ?? this.engine.keys.publicKey,
      peer: async () => {
        if (this.isGone) return null;
        const { receivedBytes, lastHandshake, port } = this.own;
        return { receivedBytes, lastHandshake, listenPort: port };
      },
      point: async (to, keepalive) => {
        this.pointed.push(to);
        this.isGone = false;
        this.own.point(to, keepalive);
      },
      onChange: (way) => this.ways.push(way),
      random: () => 0,
      times: TIMES,
    });
    this.transport.start();
    return this.transport;
  }

  async close(): Promise<void> {
    await this.transport?.close();
    this.relay.close();
    await this.side.close();
    this.router.close();
    this.engine.close();
    this.own.close();
  }
}
