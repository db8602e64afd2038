/** What an agent takes for the engine's word about a tunnel, on a simulated machine (the real one: test/lab). */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SeenTokens } from '../../../src/agent/port/seen-tokens.ts';
import { SeenLog } from '../../../src/agent/seen-log.ts';
import { DeviceEnd } from '../../../src/agent/tunnel/device-end.ts';
import type { StandingTunnel } from '../../../src/agent/tunnel/listener.ts';
import { AgentTunnels } from '../../../src/agent/tunnel/tunnels.ts';
import { generateEd25519, nodeEd25519 } from '../../../src/crypto/ed25519.ts';
import { type EnvelopeType, sealEnvelope } from '../../../src/crypto/envelope.ts';
import type { FromAgent } from '../../../src/protocol/frame.ts';
import { TUNNEL_TYPE, type TunnelClaims } from '../../../src/protocol/tunnel-session.ts';
import { systemClock } from '../../../src/sys/clock.ts';
import { generateKeyPair } from '../../../src/wg/keys.ts';
import { createNetwork } from '../../../src/wg/network.ts';
import { Simulation } from '../../wg/simulation.ts';
import { EngineDouble, type Enrolled } from '../engine-double.ts';
import { credentialsOf, keptLog, temporary } from '../parts.ts';

const KEY_ID = 'k'.repeat(43);
const OTHER_GUID = '0f1d4a4e-51a2-4c43-9d5a-1f6f0f4b8a11';

describe('a word about a tunnel', () => {
  const engineKeys = generateEd25519();
  const stranger = generateEd25519();
  const wireguard = generateKeyPair();
  let guid: string;
  let enrolled: Enrolled;
  let engine: EngineDouble;
  let folder: ReturnType<typeof temporary>;
  let machine: Simulation;
  let log: ReturnType<typeof keptLog>;
  let told: FromAgent[];
  let standing: StandingTunnel | undefined;
  let tunnels: AgentTunnels;

  const start = async (): Promise<void> => {
    tunnels = new AgentTunnels({
      trust: {
        guid,
        context: 'system',
        signingKey: engineKeys.publicKey,
        signingKeyId: KEY_ID,
        ed: nodeEd25519,
      },
      credentials: credentialsOf(engine, enrolled),
      end: new DeviceEnd({
        network: createNetwork(machine.system),
        interfaceName: 'borealis1',
        privateKey: wireguard.privateKey,
        uses: async () => [],
      }),
      publicKey: wireguard.publicKey,
      seen: new SeenTokens(new SeenLog(join(folder.directory, 'seen.log'))),
      sessionFile: join(folder.directory, 'tunnel.open'),
      uplink: { send: (frame) => told.push(frame) > 0, buffered: 0 },
      listener: {
        up: (tunnel) => {
          standing = tunnel;
        },
        down: () => {
          standing = undefined;
        },
      },
      clock: systemClock,
      log,
    });
    await tunnels.start();
  };

  beforeEach(async () => {
    engine = await EngineDouble.start();
    enrolled = await engine.enrolled();
    guid = enrolled.guid;
    folder = temporary();
    machine = new Simulation({ module: true });
    log = keptLog();
    told = [];
    await start();
  });
  afterEach(async () => {
    await tunnels.close();
    await engine.close();
    await folder.remove();
  });

  const open = (change: object = {}): object => {
    const now = Math.floor(Date.now() / 1_000);
    return {
      action: 'open',
      tunnel_id: 'tunnel-of-this-test',
      nonce: randomBytes(32).toString('base64url'),
      iat: now,
      exp: now + 60,
      agent_targets: [`${guid}/system`],
      engine_key: generateKeyPair().publicKey,
      engine_address: '192.0.2.1',
      device_address: '192.0.2.2',
      endpoint: { host: '127.0.0.1', port: 30_000 },
      allowed_ports: [{ protocol: 'tcp', port: 22 }],
      lease_seconds: 3_600,
      ...change,
    };
  };
  const seal = (claims: object, seed = engineKeys.seed, typ: EnvelopeType = TUNNEL_TYPE): string =>
    sealEnvelope(claims as TunnelClaims, { seed, kid: KEY_ID, typ }, nodeEd25519);
  /** Resolves when the agent has said something of it. */
  const say = async (envelope: string): Promise<FromAgent> => {
    const before = told.length;
    tunnels.order(envelope);
    await expect.poll(() => told.length).toBeGreaterThan(before);
    return told.at(-1)!;
  };
  const expectNothing = () => {
    expect(machine.links.size).toBe(0);
    expect(standing).toBeUndefined();
    expect(existsSync(join(folder.directory, 'tunnel.open'))).toBe(false);
  };

  test('of the engine is obeyed, and its end too', async () => {
    expect(await say(seal(open()))).toMatchObject({ type: 'TUNNEL_STATE', state: 'up', error_code: null });
    expect([...machine.links.keys()]).toEqual(['borealis1']);
    expect(standing).toMatchObject({ deviceAddress: '192.0.2.2', engineAddress: '192.0.2.1' });
    expect(await say(seal({ ...open(), action: 'close' } as object))).toMatchObject({ type: 'EVENT' }); // fields of `open`
    expect(machine.links.size).toBe(1);
    const { tunnel_id, nonce, iat, exp, agent_targets } = open() as Record<string, unknown>;
    const close = { action: 'close', tunnel_id, nonce, iat, exp, agent_targets };
    expect(await say(seal(close))).toMatchObject({ type: 'TUNNEL_STATE', state: 'down' });
    expectNothing();
  });

  const now = () => Math.floor(Date.now() / 1_000);
  test.each<[string, string, () => string]>([
    ['signed by somebody else', 'signature_refused', () => seal(open(), stranger.seed)],
    ['of another kind', 'signature_refused', () => seal(open(), engineKeys.seed, 'borealis-command+jws')],
    ['altered', 'signature_refused', () => seal(open()).replace(/\.([^.]{20})/, '.AAAAAAAAAAAAAAAAAAAA')],
    ['that is no envelope', 'signature_refused', () => 'open sesame'],
    ['to another device', 'signature_refused', () => seal(open({ agent_targets: [`${OTHER_GUID}/system`] }))],
    ['to the other context', 'signature_refused', () => seal(open({ agent_targets: [`${guid}/user`] }))],
    ['that has expired', 'notice', () => seal(open({ iat: now() - 61, exp: now() - 1 }))],
    ['of the future', 'notice', () => seal(open({ iat: now() + 120, exp: now() + 150 }))],
    ['that lives too long', 'notice', () => seal(open({ exp: now() + 3_600 }))],
    ['with a route of its own', 'notice', () => seal(open({ routes: ['192.168.0.0/16'] }))],
    ['with a network for an address', 'notice', () => seal(open({ device_address: '192.0.2.0/24' }))],
  ])('%s is refused, and nothing is made', async (_what, kind, envelope) => {
    expect(await say(envelope())).toMatchObject({ type: 'EVENT', kind });
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
    expectNothing();
  });

  test('is good once, also for the agent after a restart', async () => {
    const envelope = seal(open());
    expect(await say(envelope)).toMatchObject({ state: 'up' });
    expect(await say(envelope)).toMatchObject({ type: 'EVENT', kind: 'replay_refused' });
    await tunnels.close();
    expectNothing();
    await start();
    expect(await say(envelope)).toMatchObject({ type: 'EVENT', kind: 'replay_refused' });
    expectNothing();
  });

  test('is kept by an agent whose interface is deleted: it is made again, with its peer', async () => {
    await say(seal(open()));
    const { peers } = machine.links.get('borealis1')!;
    const [engine] = peers.keys();
    machine.links.delete('borealis1');
    const again = () => machine.links.get('borealis1')?.peers;
    await expect
      .poll(() => again()?.get(engine!))
      .toMatchObject({ endpoint: '127.0.0.1:30000', keepalive: 25 });
    expect(machine.links.get('borealis1')).toMatchObject({ up: true });
  });

  test('opens no second tunnel beside the first: the newer one stands', async () => {
    await say(seal(open()));
    await say(seal(open({ tunnel_id: 'another-tunnel-of-it', device_address: '192.0.2.9' })));
    // The end of the first is told before the beginning of the second.
    await expect.poll(() => told.at(-1)).toMatchObject({ tunnel_id: 'another-tunnel-of-it', state: 'up' });
    expect([...machine.links.keys()]).toEqual(['borealis1']);
    expect(standing).toMatchObject({ tunnelId: 'another-tunnel-of-it', deviceAddress: '192.0.2.9' });
  });
});
