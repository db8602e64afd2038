/** Old paths are other names for operations: the same door, the same refusals. Live tunnels: test/lab/tunnel-calls.lab.test.ts. */
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { legacyPaths } from '../../../src/daemon/api/legacy.ts';
import { routes } from '../../../src/daemon/api/route.ts';
import { requires } from '../../require.ts';
import { callSocket, problem, TestEngine } from '../engine.ts';
import { callAs } from '../other-user.ts';

const GROUP = 'nogroup';

describe('paths of before', () => {
  let engine: TestEngine;
  const call = (method: string, path: string, body?: object) => callSocket(engine.socket, method, path, body);
  beforeAll(async () => {
    // Others can come as far as its own directory.
    const directory = mkdtempSync(join(tmpdir(), 'borealis-legacy-'));
    chmodSync(directory, 0o755);
    const flags = process.geteuid?.() === 0 ? { socket_group: GROUP } : {};
    engine = await TestEngine.start({ state: join(directory, 'state'), flags });
  });
  afterAll(() => engine.close());

  test('are no paths of now', () => {
    for (const { url } of legacyPaths) for (const route of routes) expect(route.url).not.toBe(url);
  });

  test.each(legacyPaths)('$method $url wants a device', async ({ method, url }) => {
    if (url.includes(':')) return;
    const answer = await call(method, url, method === 'GET' ? undefined : {});
    expect(problem(answer)).toMatchObject({
      code: 'INVALID_INPUT',
      detail: expect.stringMatching(/agent_id/),
    });
  });

  test.each(legacyPaths)('$method $url knows no stranger to the fleet', async ({ method, url }) => {
    const named = url.replace(':agent_id', 'nobody');
    const path = url.includes(':') ? named : `${named}?agent_id=nobody`;
    const body =
      method === 'PUT' ? { allowed_ports: [22] } : method === 'POST' ? { agent_id: 'nobody' } : undefined;
    expect(problem(await call(method, path, body)).code).toBe('DEVICE_NOT_FOUND');
  });

  test.each([[['22', 'ssh']], [[0]], [[65_536]], ['22'], [undefined], [[{ port: 22 }]]])(
    'ports that are none are refused: %j',
    async (ports) => {
      const answer = await call('PUT', '/api/device/vpn_config/nobody', { allowed_ports: ports });
      expect(problem(answer).code).toBe('INVALID_INPUT');
    },
  );

  describe('and their door', requires('root', 'setpriv'), () => {
    test.each(legacyPaths)('$method $url is shut to strangers', async ({ method, url }) => {
      const answer = await callAs(
        { user: 'daemon', group: GROUP },
        engine.socket,
        method,
        // callAs puts the path below /api/v1.
        `/../..${url.replace(':agent_id', 'x')}`,
      );
      expect(problem(answer).code).toBe('STRANGER');
    });
  });
});
