/** Every call that the local API has for tunnels, and the record that each change leaves. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditRecord } from '../../src/protocol/audit.ts';
import type { OperationName } from '../../src/protocol/operations.ts';
import { hold } from '../commands/hold.ts';
import { requires } from '../require.ts';
import { LAB_NEEDS, Lab } from './lab.ts';

describe('the calls for tunnels', requires(...LAB_NEEDS), () => {
  let lab: Lab;
  const device = 'north';
  const records = (action: OperationName) => lab.json<AuditRecord[]>(['audit', 'list', '--action', action]);
  const done = { actor: 'root', target: device, result: 'done' };

  beforeAll(async () => {
    lab = await Lab.start([device]);
    await lab.startEngine();
    await lab.startDevice(device);
  });
  afterAll(() => lab?.dispose());

  test('connect, which is on record', async () => {
    expect(await lab.client.call('tunnel.connect', { device })).toMatchObject({ device, state: 'up' });
    expect(await records('tunnel.connect')).toMatchObject([{ action: 'tunnel.connect', ...done }]);
  });

  test('status and list tell of it', async () => {
    const tunnel = await lab.client.call('tunnel.status', { device });
    expect(tunnel).toMatchObject({ state: 'up', operators: ['root'] });
    expect((await lab.client.call('tunnel.list', {})).map(({ tunnel_id: id }) => id)).toEqual([
      tunnel.tunnel_id,
    ]);
  });

  test('the commands’ JSON is what scripts rely on', async () => {
    const told = async (name: string, ...args: string[]) =>
      hold(lab, `tunnel-${name}`, await lab.json(['tunnel', ...args]));
    // Whoever joins a tunnel that is up hears at once what is known of it; a handshake is.
    await told('connect', 'connect', device);
    await told('status', 'status', device);
    await told('list', 'list');
    await told('ports', 'ports', device, '--set', '22,47001,53/udp');
    await told('disconnect', 'disconnect', device);
    await lab.client.call('tunnel.connect', { device });
  });

  test('ports and allow, which is on record', async () => {
    const allowed = { device, allowed_ports: ['22/tcp', '53/udp'] };
    expect(await lab.client.call('tunnel.allow', { device, ports: ['22', '53/udp'] })).toMatchObject(allowed);
    expect(await lab.client.call('tunnel.ports', { device })).toMatchObject(allowed);
    expect((await records('tunnel.allow'))[0]).toMatchObject({ action: 'tunnel.allow', ...done });
  });

  test('forward holds the way open, and activity moves its idle clock', async () => {
    const leaving = new AbortController();
    const ways = lab.client.stream('tunnel.forward', { device, port: 22 }, leaving.signal);
    const { value: way } = await ways.next();
    expect(way).toMatchObject({ address: '10.255.0.2', port: 22, tunnel: { device } });
    const used = await lab.client.call('tunnel.activity', { device, bytes: 1, connections: 1 });
    expect(used).toMatchObject({ device, state: 'up', idle_seconds: 0 });
    leaving.abort();
    expect(await ways.next()).toMatchObject({ done: true });
  });

  test('disconnect, which is on record', async () => {
    expect(await lab.client.call('tunnel.disconnect', { device })).toMatchObject({ state: 'down' });
    expect((await records('tunnel.disconnect'))[0]).toMatchObject({ action: 'tunnel.disconnect', ...done });
    expect(await lab.client.call('tunnel.list', {})).toEqual([]);
  });

  test('the same under the names of the systems that this one replaces', async () => {
    const call = async (method: string, path: string, body?: object) => {
      const json = body ? ['--header', 'content-type: application/json', '--data', JSON.stringify(body)] : [];
      const curl = ['--silent', '--request', method, '--unix-socket', lab.client.socketPath, ...json];
      return JSON.parse(lab.engine.run('curl', ...curl, `http://borealis${path}`)) as Record<string, unknown>;
    };
    const { guid } = await lab.client.call('device.show', { device });
    const down = await call('GET', `/api/tunnel/status?agent_id=${guid}`);
    expect(down).toMatchObject({ agent_id: guid, status: 'down', tunnel_id: null });
    const up = await call('POST', '/api/tunnel/connect', { agent_id: guid });
    expect(up).toMatchObject({ agent_id: guid, status: 'up', virtual_ip: '10.255.0.2' });
    expect(up.allowed_ports).toEqual([22, '53/udp']);
    const { tunnel_id: id } = up;
    expect(await call('GET', `/api/tunnel/connect/status?agent_id=${guid}&bump=1`)).toMatchObject({
      status: 'up',
      tunnel_id: id,
    });
    const config = `/api/device/vpn_config/${guid}`;
    const ports = { agent_id: guid, allowed_ports: [22, 3389] };
    expect(await call('PUT', config, { allowed_ports: [22, 3389] })).toMatchObject(ports);
    expect(await call('GET', config)).toMatchObject(ports);
    const gone = await call('DELETE', '/api/tunnel/disconnect', { agent_id: guid, tunnel_id: id });
    expect(gone).toMatchObject({ status: 'down' });
    expect(await records('tunnel.disconnect')).toHaveLength(3);
  });
});
