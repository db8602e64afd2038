import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import type { TLSSocket } from 'node:tls';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AGENT_PATHS } from '../../../src/protocol/enrolment.ts';
import { BorealisError } from '../../../src/protocol/errors.ts';
import { AgentSide } from '../agent-side.ts';
import { RawAgent, type Reply } from '../raw-agent.ts';

let engine: AgentSide;
let agent: RawAgent;
beforeAll(async () => {
  engine = await AgentSide.start();
  agent = new RawAgent((await engine.newCode()).link);
});
afterAll(() => engine.close());

const post = async (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Reply> =>
  agent.post(await agent.connect(), path, body, headers);
/** What comes back for bytes as they are, until the engine closes. */
const raw = async (socket: TLSSocket, ...parts: string[]): Promise<string> => {
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => {
    // A reset instead of an end: what came before it counts.
  });
  const closed = once(socket, 'close');
  for (const part of parts) socket.write(part);
  await closed;
  return text;
};

test('an unknown path, another method', async () => {
  expect(await post('/', {})).toMatchObject({ status: 404, code: 'NO_SUCH_OPERATION' });
  expect(await post('/api/v1/devices', {})).toMatchObject({ status: 404, code: 'NO_SUCH_OPERATION' });
  const answer = await raw(
    await agent.connect(),
    `GET ${AGENT_PATHS.poll} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`,
  );
  expect(answer).toContain('405');
  expect(answer).toContain('METHOD_NOT_ALLOWED');
  expect(answer).toContain('application/problem+json');
});

test.each([
  ['not JSON', '{"request_id":', {}, 'INVALID_JSON', 400],
  ['not UTF-8', Buffer.from([0xff, 0xfe]).toString('latin1'), {}, 'INVALID_JSON', 400],
  ['empty', '', {}, 'INVALID_JSON', 400],
  ['an array', [], {}, 'INVALID_INPUT', 400],
  ['a number', 1, {}, 'INVALID_INPUT', 400],
  ['of another type', {}, { 'content-type': 'text/plain' }, 'INVALID_JSON', 400],
  [
    'with an extra key',
    { request_id: 'a', request_secret: 'A'.repeat(43), more: 1 },
    {},
    'INVALID_INPUT',
    400,
  ],
  ['with a wrong type', { request_id: 1, request_secret: 'A'.repeat(43) }, {}, 'INVALID_INPUT', 400],
  ['too large', { request_id: 'a'.repeat(65_536) }, {}, 'BODY_TOO_LARGE', 413],
] as const)('a body that is %s', async (_name, body, headers, code, status) => {
  expect(await post(AGENT_PATHS.poll, body, headers)).toMatchObject({ status, code });
});

test('a chunked body that grows too large is answered, then the connection ends', async () => {
  const head = `POST ${AGENT_PATHS.poll} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`;
  const chunk = `8000\r\n${'a'.repeat(0x8000)}\r\n`;
  expect(await raw(await agent.connect(), head, chunk, chunk, chunk)).toContain('BODY_TOO_LARGE');
});

test('headers that are too large, and what is no HTTP at all', async () => {
  expect(await raw(await agent.connect(), `GET / HTTP/1.1\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`)).toContain(
    '431',
  );
  expect(await raw(await agent.connect(), '\u0000\u0001\u0002\r\n\r\n')).toContain('400');
});

test('a body that is cut off harms nobody', async () => {
  const socket = await agent.connect();
  socket.write(
    `POST ${AGENT_PATHS.poll} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`,
  );
  socket.destroy();
  expect((await post(AGENT_PATHS.poll, {})).status).toBe(400);
});

test('an upgrade on another path, without WebSocket headers, to no WebSocket', async () => {
  const upgrade = (path: string, more = '') =>
    `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n${more}\r\n`;
  expect(await raw(await agent.connect(), upgrade(AGENT_PATHS.poll))).toContain('NO_SUCH_OPERATION');
  expect(await raw(await agent.connect(), upgrade(AGENT_PATHS.channel))).toContain('CERTIFICATE_REQUIRED');
});

test('random bodies get an answer of four hundred and something, always', async () => {
  const path = fc.constantFrom(
    AGENT_PATHS.request,
    AGENT_PATHS.poll,
    AGENT_PATHS.complete,
    AGENT_PATHS.refresh,
  );
  await fc.assert(
    fc.asyncProperty(path, fc.oneof(fc.json(), fc.string()), async (where, body) => {
      const { status } = await post(where, body);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
    }),
    { numRuns: 200 },
  );
});

test('whoever is slow is cut: in the handshake, in the headers, in the body', async () => {
  const limits = { handshake: 50, headers: 50, request: 100, idle: 50, check: 20 };
  const impatient = await AgentSide.start({ limits });
  const slow = new RawAgent((await impatient.newCode()).link);
  try {
    const silent = connectTcp(slow.port, slow.host);
    silent.resume();
    await once(silent, 'close');
    expect(await raw(await slow.connect(), 'POST / HT')).toContain('408');
    const head = `POST ${AGENT_PATHS.poll} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n`;
    expect(await raw(await slow.connect(), head, '{')).toContain('408');
  } finally {
    await impatient.close();
  }
});

test('a port that is taken is named with its holder', async () => {
  const { port } = engine.listener.address!;
  const refused = await AgentSide.start({ port }).then(
    () => null,
    (error: unknown) => error as BorealisError,
  );
  expect(refused).toBeInstanceOf(BorealisError);
  expect(refused?.code).toBe('PORT_TAKEN');
  expect(refused?.detail).toContain(`(pid ${process.pid})`);
});
