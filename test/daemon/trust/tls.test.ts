import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { spkiPin } from '../../../src/crypto/spki.ts';
import { AGENT_PATHS } from '../../../src/protocol/enrolment.ts';
import { AgentSide } from '../agent-side.ts';
import { TurningClock } from '../agents.ts';
import { RawAgent } from '../raw-agent.ts';

const DAY = 86_400_000;
const open = new Set<AgentSide>();
const start = async (options: Parameters<typeof AgentSide.start>[0] = {}): Promise<AgentSide> => {
  const engine = await AgentSide.start(options);
  open.add(engine);
  return engine;
};
/** Ends it and starts another on its store, at its port. */
const restart = async (engine: AgentSide, clock: TurningClock): Promise<AgentSide> => {
  const { directory, listener } = engine;
  const port = listener.address!.port;
  open.delete(engine);
  await engine.close({ keep: true });
  return start({ clock, directory, port });
};
afterEach(async () => {
  for (const engine of open) await engine.close();
  open.clear();
});

// On the client's side `getPeerX509Certificate` takes the certificate out of the chain: a second call finds the next one.
const leafOf = (socket: TLSSocket): X509Certificate => new X509Certificate(socket.getPeerCertificate().raw);

test('the chain holds the pinned authority; older TLS and other curves are refused', async () => {
  const engine = await start();
  const code = await engine.newCode();
  const agent = new RawAgent(code.link);
  const socket = await agent.connect();
  expect(socket.getProtocol()).toBe('TLSv1.3');
  expect(socket.getEphemeralKeyInfo()).toMatchObject({ name: 'X25519' });
  expect(leafOf(socket).checkHost('borealis-engine')).toBe('borealis-engine');
  const { issuerCertificate } = socket.getPeerCertificate(true);
  expect(spkiPin(issuerCertificate.raw)).toBe(code.pin);
  socket.destroy();
  for (const wrong of [{ maxVersion: 'TLSv1.2' as const }, { ecdhCurve: 'P-256' }]) {
    const refused = connect({ host: agent.host, port: agent.port, rejectUnauthorized: false, ...wrong });
    const [error] = await once(refused, 'error');
    expect((error as NodeJS.ErrnoException).code).toMatch(/^ERR_SSL_/);
  }
});

test('authority, certificate and TLS sessions outlive a restart; a rotation of the ticket keys ends sessions', async () => {
  const clock = new TurningClock();
  const first = await start({ clock });
  const { link, pin } = await first.newCode();
  const agent = new RawAgent(link);
  await agent.enrol();
  await agent.post(await agent.connect(agent.shown), AGENT_PATHS.poll, {});
  const session = agent.session!;

  const second = await restart(first, clock);
  const resumed = await agent.connect(agent.shown, session);
  expect(resumed.isSessionReused()).toBe(true);
  const channel = await agent.channel({ session });
  expect(channel.status).toBe(101);
  for (const socket of [resumed, channel.socket]) socket.destroy();

  // Fallen due while the engine was down, they are kept for the agents that come back, for ten minutes.
  clock.advance(1.5 * DAY);
  const third = await restart(second, clock);
  await third.trust.identity.maintain();
  const back = await agent.connect(agent.shown, session);
  expect(back.isSessionReused()).toBe(true);
  clock.advance(11 * 60_000);
  await third.trust.identity.maintain();
  const anew = await agent.connect(agent.shown, session);
  expect(anew.isSessionReused()).toBe(false);
  expect((await third.newCode()).pin).toBe(pin);
  for (const socket of [back, anew]) socket.destroy();
});

test('the server certificate is renewed at two thirds of its life, while connections stay', async () => {
  const clock = new TurningClock();
  const engine = await start({ clock });
  const agent = new RawAgent((await engine.newCode()).link);
  const before = await agent.connect();
  await engine.trust.identity.maintain();
  const same = await agent.connect();
  expect(leafOf(same).serialNumber).toBe(leafOf(before).serialNumber);
  clock.advance(61 * DAY);
  await engine.trust.identity.maintain();
  const after = await agent.connect();
  expect(leafOf(after).serialNumber).not.toBe(leafOf(before).serialNumber);
  expect(leafOf(after).validToDate.getTime()).toBeGreaterThan(leafOf(before).validToDate.getTime());
  // The connection from before the change still answers.
  expect((await agent.post(before, AGENT_PATHS.poll, {})).status).toBe(400);
  for (const socket of [same, after]) socket.destroy();
});

test('an agent’s expired certificate is refused, also on a session from when it was good', async () => {
  const clock = new TurningClock();
  clock.advance(-40 * DAY);
  const engine = await start({ clock });
  const agent = new RawAgent((await engine.newCode()).link);
  await agent.enrol();
  clock.advance(40 * DAY);
  const refused = await agent.channel();
  refused.socket.destroy();
  expect(refused).toMatchObject({ status: 401, code: 'CERTIFICATE_REQUIRED' });
  expect(refused.body.detail).toContain('expired');
  expect(await agent.refresh()).toMatchObject({ status: 401, code: 'CERTIFICATE_REQUIRED' });
  expect(await agent.renew()).toMatchObject({ status: 401, code: 'CERTIFICATE_REQUIRED' });
});

test('an agent’s certificate that is not valid yet is refused as what a clock that is wrong does', async () => {
  const clock = new TurningClock();
  clock.set(5 * DAY);
  const engine = await start({ clock });
  const agent = new RawAgent((await engine.newCode()).link);
  await agent.enrol();
  clock.set(-5 * DAY);
  const refused = await agent.channel();
  refused.socket.destroy();
  expect(refused).toMatchObject({ status: 401, code: 'CLOCK_SKEW' });
  expect(await agent.refresh()).toMatchObject({ status: 401, code: 'CLOCK_SKEW' });
  expect(await agent.renew()).toMatchObject({ status: 401, code: 'CLOCK_SKEW' });
});

test('a certificate that the engine made for itself while its clock was far ahead is replaced', async () => {
  const clock = new TurningClock();
  const first = await start({ clock });
  clock.set(365 * DAY);
  const ahead = await restart(first, clock);
  const { link } = await ahead.newCode();
  const begins = async (): Promise<number> => {
    const socket = await new RawAgent(link).connect();
    const { validFromDate } = leafOf(socket);
    socket.destroy();
    return validFromDate.getTime();
  };
  expect(await begins()).toBeGreaterThan(Date.now());
  clock.set(-365 * DAY);
  await restart(ahead, clock);
  expect(await begins()).toBeLessThan(Date.now());
});

test('a resumed session does not outlive its certificate', async () => {
  const clock = new TurningClock();
  const engine = await start({ clock });
  const agent = new RawAgent((await engine.newCode()).link);
  await agent.enrol();
  await agent.post(await agent.connect(agent.shown), AGENT_PATHS.poll, {});
  const session = agent.session!;
  clock.advance(31 * DAY);
  const headers = agent.headers('GET', AGENT_PATHS.channel, new Date(clock.now()));
  const refused = await agent.channel({ session, headers });
  refused.socket.destroy();
  expect(refused).toMatchObject({ status: 401, code: 'CERTIFICATE_REQUIRED' });
  expect(refused.body.detail).toContain('expired');
});
