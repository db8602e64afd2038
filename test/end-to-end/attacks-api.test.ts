/** The local API and the agents' listener under callers that leave, speak no HTTP, or speak it wrongly. */
import { execFileSync } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseHostPort } from '../../src/config/settings.ts';
import { seedToPem } from '../../src/crypto/keys.ts';
import { AGENT_PATHS, ENGINE_SERVER_NAME } from '../../src/protocol/enrolment.ts';
import { CHANNEL_PROTOCOL } from '../../src/protocol/frame.ts';
import { callSocket, problem } from '../daemon/engine.ts';
import { RawAgent } from '../daemon/raw-agent.ts';
import { openDescriptors } from '../lab/proc.ts';
import { Place, type Process } from '../lab/processes.ts';
import { requires } from '../require.ts';

let place: Place;
let engine: Process;
beforeEach(async () => {
  place = new Place();
  engine = await place.startEngine([], { BOREALIS_ENROL_REQUESTS_PER_MINUTE: '100000' });
});
afterEach(() => place.dispose());

const UPGRADE = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  `Sec-WebSocket-Key: ${'A'.repeat(22)}==`,
];
const http = (line: string, headers: readonly string[] = [], body = ''): Buffer => {
  const length = body === '' ? [] : ['Content-Type: application/json', `Content-Length: ${body.length}`];
  return Buffer.from(`${[`${line} HTTP/1.1`, 'Host: x', ...headers, ...length].join('\r\n')}\r\n\r\n${body}`);
};
const stream = (path: string): Buffer => http(`GET /api/v1${path}`, UPGRADE);

/** Says it, or its beginning, and leaves: at once, with the answer half read, or after a moment's listening. */
const sayAndLeave = (socket: Socket, ready: 'connect' | 'secureConnect', bytes: Buffer): Promise<void> =>
  new Promise((resolve) => {
    socket.on('error', () => {
      // The engine may hang up first.
    });
    socket.once('close', () => resolve());
    socket.once(ready, () => {
      const cut = randomInt(4) === 0 ? randomInt(bytes.length) : bytes.length;
      if (randomInt(2) === 0) socket.resume();
      socket.write(bytes.subarray(0, cut), () => {
        const how = randomInt(3);
        if (how === 0) socket.destroy();
        else if (how === 1) setImmediate(() => socket.destroy());
        else setTimeout(() => socket.destroy(), randomInt(15));
      });
    });
  });

describe('callers that hang up at any moment', requires('linux'), () => {
  test('end nothing but their own calls', { timeout: 120_000 }, async () => {
    const agent = new RawAgent((await place.code({ auto_approve: true })).link);
    await agent.enrol();
    const { host, port } = parseHostPort(await place.agentAddress());
    const own = { key: seedToPem(agent.key.seed), cert: agent.shown.certificate };
    const local: readonly (() => Buffer)[] = [
      () => http('GET /api/v1/openapi.json'),
      () => http('POST /api/v1/codes', [], '{"address":"127.0.0.1:1"}'),
      () => http('PUT /api/v1/config/job_retention_days', [], '{"value":9}'),
      () => http('POST /api/v1/backup/verify', ['Borealis-Passphrase: abc', 'Content-Length: 90000']),
      () => http('GET /api/v1/audit/verify'),
      () => stream('/events?after=0'),
      () => Buffer.concat([stream('/events?after=0'), randomBytes(100)]),
      () => stream('/log?follow=1'),
      () => stream('/telemetry/stream'),
      () => stream('/jobs/none/stream'),
      () => stream('/nowhere'),
      () => randomBytes(200),
    ];
    const post = (path: string, body: unknown): Buffer => http(`POST ${path}`, [], JSON.stringify(body));
    const remote: readonly (() => Buffer)[] = [
      () => post(AGENT_PATHS.request, agent.requestBody()),
      () => post(AGENT_PATHS.poll, agent.asked),
      () => post(AGENT_PATHS.refresh, { refresh_token: 'x'.repeat(43) }),
      () => {
        const { authorization, dpop } = agent.headers('GET', AGENT_PATHS.channel);
        const proof = [`Authorization: ${authorization}`, `DPoP: ${dpop}`];
        return http(`GET ${AGENT_PATHS.channel}`, [
          ...UPGRADE,
          `Sec-WebSocket-Protocol: ${CHANNEL_PROTOCOL}`,
          ...proof,
        ]);
      },
      () => http(`GET ${AGENT_PATHS.channel}`, UPGRADE),
      () => http('GET /nowhere', UPGRADE),
      () => randomBytes(200),
    ];
    const any = (of: readonly (() => Buffer)[]): Buffer => of[randomInt(of.length)]!();
    const before = openDescriptors(engine.child.pid!);
    for (let round = 0; round < 60; round++) {
      const tls = { host, port, servername: ENGINE_SERVER_NAME, rejectUnauthorized: false };
      await Promise.all([
        ...Array.from({ length: 10 }, () => sayAndLeave(connect(place.socket), 'connect', any(local))),
        ...Array.from({ length: 3 }, () =>
          sayAndLeave(connectTls({ ...tls, ...(randomInt(2) === 0 && own) }), 'secureConnect', any(remote)),
        ),
        sayAndLeave(connect(port, host), 'connect', randomBytes(randomInt(1, 400))),
      ]);
    }
    expect(await place.client.call('user.me', {})).toMatchObject({ role: 'admin' });
    while (openDescriptors(engine.child.pid!) > before + 4) await place.client.call('user.me', {});
    expect(await place.client.call('audit.verify', {})).toMatchObject({ intact: true });
    expect((await engine.kill('SIGTERM')).code).toBe(0);
    expect(engine.stderr).not.toMatch(/"level":"(error|fatal)"/);
  });

  test('even while the refusal of their upgrade is being written', async () => {
    for (let n = 0; n < 100; n++) {
      const socket = connect(place.socket);
      socket.on('error', () => {
        // A reset is as good as a close.
      });
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.once('connect', () =>
        socket.write(stream(n % 2 === 0 ? '/nowhere' : '/events?after=x'), () => socket.destroy()),
      );
      await closed;
    }
    expect(await place.client.call('user.me', {})).toMatchObject({ role: 'admin' });
  });
});

test(
  'with no descriptor left the engine goes on, and takes callers again when there are some',
  requires('prlimit'),
  async () => {
    const pid = engine.child.pid!;
    const limit = (soft: number): void =>
      void execFileSync('prlimit', ['--pid', String(pid), `--nofile=${soft}:4096`]);
    limit(openDescriptors(pid));
    const turnedAway = Array.from({ length: 50 }, () => connect(place.socket));
    await Promise.all(
      turnedAway.map(
        (socket) =>
          new Promise<void>((resolve) => {
            socket.on('error', () => resolve());
            socket.once('connect', () => resolve());
          }),
      ),
    );
    for (const socket of turnedAway) socket.destroy();
    limit(4096);
    expect(await place.client.call('user.me', {})).toMatchObject({ role: 'admin' });
    expect(engine.running).toBe(true);
  },
);

test(
  'strangers who fill the agents’ door leave descriptors for operators, and for agents from elsewhere',
  requires('linux'),
  async () => {
    expect((await engine.kill('SIGTERM')).code).toBe(0);
    const args = ['--state', place.path('engine'), '--listen', '127.0.0.1:0'];
    const limited = ['sh', '-c', 'ulimit -n 1024; "$0" "$@"; exit $?'];
    const small = place.startWithin(limited, 'borealisd', args);
    await small.until(() => small.stderr.includes('"msg":"ready"'), 'ready');
    const agent = new RawAgent((await place.code({ auto_approve: true })).link);
    const { host, port } = parseHostPort(await place.agentAddress());
    let refused = 0;
    const crowd = Array.from({ length: 1_500 }, () => connect({ host, port, localAddress: '127.0.0.2' }));
    await new Promise<void>((resolve) => {
      for (const socket of crowd) {
        socket.on('error', () => {
          // A reset is as good as a close.
        });
        socket.resume().once('close', () => ++refused === crowd.length - 256 && resolve());
      }
    });
    expect(await place.client.call('user.me', {})).toMatchObject({ role: 'admin' });
    await agent.enrol();
    expect(await place.client.call('device.list', {})).toMatchObject({
      items: [{ hostname: agent.machine.hostname }],
    });
    for (const socket of crowd) socket.destroy();
    expect((await small.kill('SIGTERM')).code).toBe(0);
  },
);

test('paths, queries and bodies that try to be something else are refused, each by its name', async () => {
  const json = { 'content-type': 'application/json' };
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  const refused: readonly (readonly [method: string, path: string, status: number, body?: string])[] = [
    ['GET', '/devices/../me', 404],
    ['GET', '/devices/%2e%2e/me', 404],
    ['GET', '//me', 404],
    ['GET', '/me/', 404],
    ['GET', '/devices/%00', 404],
    ['GET', '/devices/%c0%ae', 404],
    ['GET', '/devices/__proto__', 404],
    ['GET', '/devices?__proto__=1', 400],
    ['GET', '/devices?constructor=1', 400],
    ['GET', '/devices?limit=1&limit=2', 400],
    ['GET', '/devices?limit=1e400', 400],
    ['GET', '/audit?before_seq=9007199254740993', 400],
    ['GET', `/devices?${'tag=a=b&'.repeat(1_200)}`, 400],
    ['POST', '/codes', 400, '{"uses":1e400}'],
    ['POST', '/codes', 400, '{"__proto__":{"role":"admin"}}'],
    ['POST', '/codes', 400, '{"constructor":{"prototype":{"role":"admin"}}}'],
    ['POST', '/codes', 400, deep],
    ['PUT', '/config/log_level', 400, `{"value":${deep}}`],
    ['PUT', '/config/__proto__', 404, '{"value":1}'],
    ['PUT', '/config/toString', 404, '{"value":1}'],
    ['PUT', '/users/%24(id)', 400, '{"role":"admin"}'],
    ['POST', '/jobs', 400, `{"all":true,"work":{"kind":"verb","verb":"x","args":{"a":${deep}}}}`],
  ];
  for (const [method, path, status, body] of refused) {
    const answer = await callSocket(
      place.socket,
      method,
      `/api/v1${path}`,
      body,
      body === undefined ? {} : json,
    );
    expect([method, path.slice(0, 60), answer.status]).toEqual([method, path.slice(0, 60), status]);
    expect(problem(answer).code).not.toBe('INTERNAL');
  }
  expect(engine.stderr).not.toMatch(/"level":"(error|fatal)"/);
});
