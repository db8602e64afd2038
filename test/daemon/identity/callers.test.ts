import { type AddressInfo, createConnection, createServer, Socket } from 'node:net';
import { beforeEach, expect, test } from 'vitest';
import { Callers, type PeerSource } from '../../../src/daemon/identity/callers.ts';
import { kernelPeers } from '../../../src/daemon/identity/peers.ts';
import { Grants } from '../../../src/daemon/users/grants.ts';

const ENGINE_UID = 990;
let grants: Grants;
beforeEach(() => {
  grants = new Grants();
});

const from = (uid: number, user: string, groups: string[] = []): PeerSource => ({
  peerOf: () => ({ pid: 1, uid, user, groups }),
});
const roleOf = (source: PeerSource): string | undefined =>
  new Callers(source, grants, ENGINE_UID).identify(new Socket()).caller?.role;

test('root and the engine’s own user are admins', () => {
  expect(roleOf(from(0, 'root'))).toBe('admin');
  expect(roleOf(from(ENGINE_UID, 'borealis'))).toBe('admin');
});

test('a user called root with another uid is not', () => {
  expect(roleOf(from(1_000, 'root'))).toBeUndefined();
});

test('a grant to a user does not count for the group of that name, nor the other way round', () => {
  grants.granted({ who: 'ops', project: '', role: 'admin' });
  expect(roleOf(from(1_000, 'ada', ['ops']))).toBeUndefined();
  grants.revoked({ who: 'ops', project: '' });
  grants.granted({ who: '@ops', project: '', role: 'admin' });
  expect(roleOf(from(1_000, 'ops', ['staff']))).toBeUndefined();
  expect(roleOf(from(1_000, 'ada', ['ops']))).toBe('admin');
});

test('credentials are asked for once per connection, the role is worked out anew when grants change', () => {
  let asked = 0;
  const callers = new Callers(
    {
      peerOf: () => {
        asked += 1;
        return { pid: 1, uid: 1_000, user: 'ada', groups: [] };
      },
    },
    grants,
    ENGINE_UID,
  );
  const socket = new Socket();
  expect(callers.identify(socket).caller).toBeNull();
  grants.granted({ who: 'ada', project: '', role: 'operator' });
  expect(callers.identify(socket).caller?.role).toBe('operator');
  grants.revoked({ who: 'ada', project: '' });
  expect(callers.identify(socket).caller).toBeNull();
  expect(asked).toBe(1);
});

test('a connection over TCP proves nobody', async () => {
  const server = createServer();
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = createConnection((server.address() as AddressInfo).port, '127.0.0.1');
  const callers = new Callers(kernelPeers, grants, ENGINE_UID);
  const socket = await accepted;
  expect(() => callers.identify(socket)).toThrow(expect.objectContaining({ code: 'IDENTITY_UNPROVEN' }));
  client.destroy();
  socket.destroy();
  server.close();
});

test('a connection that is closed already proves nobody', () => {
  const callers = new Callers(kernelPeers, grants, ENGINE_UID);
  expect(() => callers.identify(new Socket())).toThrow(
    expect.objectContaining({ code: 'IDENTITY_UNPROVEN' }),
  );
});
