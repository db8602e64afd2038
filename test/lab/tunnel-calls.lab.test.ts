/** Every call that the local API has for tunnels, and the record that each change leaves. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditRecord } from '../../src/protocol/audit.ts';
import type { OperationName } from '../../src/protocol/operations.ts';
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

  test('ports and allow, which is on record', async () => {
    const allowed = { device, allowed_ports: ['22/tcp', '53/udp'] };
    expect(await lab.client.call('tunnel.allow', { device, ports: ['22', '53/udp'] })).toMatchObject(allowed);
    expect(await lab.client.call('tunnel.ports', { device })).toMatchObject(allowed);
    expect(await records('tunnel.allow')).toMatchObject([{ action: 'tunnel.allow', ...done }]);
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
    expect(await records('tunnel.disconnect')).toMatchObject([{ action: 'tunnel.disconnect', ...done }]);
    expect(await lab.client.call('tunnel.list', {})).toEqual([]);
  });
});
