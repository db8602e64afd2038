/** What an agent takes for the engine's word about a VPN service, on a simulated machine (the real one: test/lab). */
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { generateEd25519 } from '../../../src/crypto/ed25519.ts';
import { BorealisError } from '../../../src/protocol/errors.ts';
import {
  addressed,
  bodyOf,
  client,
  Device,
  drop,
  engineKeys,
  GUID,
  ONE,
  SLOW,
  seal,
  server,
  service,
  TWO,
} from './device.ts';

const OTHER_GUID = '0f1d4a4e-51a2-4c43-9d5a-1f6f0f4b8a11';
const FILE = `${ONE}.service.sealed`;

describe('a word about a VPN service', () => {
  const stranger = generateEd25519();
  const now = () => Math.floor(Date.now() / 1_000);
  const clients = [client(2), client(3)];
  const keys = clients.map(({ peer }) => peer.publicKey);
  const office = service(clients);
  let device: Device;
  beforeEach(async () => {
    device = new Device();
    await device.start();
  });
  afterEach(() => device.close());

  /** Of one part, otherwise than it should be. */
  const hold = (change: object = {}, of: unknown = office): object => ({
    action: 'hold',
    ...addressed(),
    revision: 1,
    part: 0,
    parts: 1,
    body: bodyOf(of),
    ...change,
  });
  const state = (revision: number, rest: object = {}) => ({
    type: 'BASTION_STATE',
    service: ONE,
    revision,
    state: 'up',
    error_code: null,
    ha: null,
    ...rest,
  });

  test('of the engine is obeyed, kept where only root reads it, and its end too', async () => {
    expect(await device.say(seal(hold()))).toMatchObject(state(1));
    expect(device.links).toEqual(['bvpn0']);
    expect(device.peers()).toEqual([...keys].sort());
    expect(device.kept).toEqual([FILE]);
    expect(statSync(device.file(FILE)).mode & 0o777).toBe(0o600);
    expect(statSync(device.directory).mode & 0o777).toBe(0o700);
    expect(await device.say(seal(hold({ revision: 2 }, service(clients.slice(1)))))).toMatchObject(state(2));
    expect(device.peers()).toEqual(keys.slice(1));
    expect(await device.say(drop())).toMatchObject({ state: 'gone', revision: 0 });
    expect(device.links).toEqual([]);
    expect(device.kept).toEqual([]);
    expect(JSON.stringify(device.log.lines)).not.toContain(server.privateKey);
  });

  test('is gone on with after a restart, with no engine there', async () => {
    await device.say(seal(hold()));
    await device.bastion.close();
    expect(device.links).toEqual([]);
    await device.start();
    await expect.poll(() => device.links, SLOW).toEqual(['bvpn0']);
    // What was damaged meanwhile is left out, and told of.
    await device.bastion.close();
    writeFileSync(device.file(FILE), '{', { mode: 0o600 });
    await device.start();
    await expect.poll(() => device.log.lines.some(({ level }) => level === 'error'), SLOW).toBe(true);
    expect(device.links).toEqual([]);
    expect(await device.say(seal(hold({ revision: 5 })))).toMatchObject(state(5));
  });

  test.each<[string, string, () => string]>([
    ['signed by somebody else', 'signature_refused', () => seal(hold(), stranger.seed)],
    ['of another kind', 'signature_refused', () => seal(hold(), engineKeys.seed, 'borealis-tunnel+jws')],
    ['altered', 'signature_refused', () => seal(hold()).replace(/\.([^.]{20})/, '.AAAAAAAAAAAAAAAAAAAA')],
    ['that is no envelope', 'signature_refused', () => 'open sesame'],
    ['to another device', 'signature_refused', () => seal(hold({ agent_targets: [`${OTHER_GUID}/system`] }))],
    ['to the other context', 'signature_refused', () => seal(hold({ agent_targets: [`${GUID}/user`] }))],
    ['that has expired', 'notice', () => seal(hold({ iat: now() - 61, exp: now() - 1 }))],
    ['that lives too long', 'notice', () => seal(hold({ exp: now() + 3_600 }))],
    ['with a body that is none', 'notice', () => seal(hold({ body: 'AAAA' }))],
    [
      'that would fill the memory',
      'notice',
      () => seal(hold({ body: gzipSync(Buffer.alloc(70 << 20)).toString('base64url') })),
    ],
    ['of another service inside', 'notice', () => seal(hold({}, service(clients, { id: 'zzzzzzzzzzzz' })))],
    [
      'about an interface that is not a service’s',
      'notice',
      () => seal(hold({}, service(clients, {}, 'eth0'))),
    ],
    ['about the interface of tunnels', 'notice', () => seal(hold({}, service(clients, {}, 'borealis1')))],
    [
      'whose firewall is for another interface',
      'notice',
      () => {
        const { network } = office;
        return seal(
          hold(
            {},
            service(clients, { network: { ...network, firewall: { ...network.firewall, name: 'bvpn9' } } }),
          ),
        );
      },
    ],
  ])('%s is refused, and nothing is made or kept', async (_what, kind, envelope) => {
    expect(await device.say(envelope())).toMatchObject({ type: 'EVENT', kind });
    expect(device.links).toEqual([]);
    expect(device.kept).toEqual([]);
    expect(JSON.stringify(device.log.lines)).not.toContain(server.privateKey);
  });

  test('is good once, also for the agent after a restart', async () => {
    const envelope = seal(hold());
    expect(await device.say(envelope)).toMatchObject(state(1));
    expect(await device.say(envelope)).toMatchObject({ type: 'EVENT', kind: 'replay_refused' });
    await device.bastion.close();
    device.told.length = 0;
    await device.start();
    device.hear(envelope);
    await expect
      .poll(() => device.told, SLOW)
      .toContainEqual(expect.objectContaining({ kind: 'replay_refused' }));
  });

  test('in parts is obeyed when the last one is here; parts of two revisions are not joined', async () => {
    const body = bodyOf(office);
    const part = (at: number, revision: number) =>
      seal(hold({ revision, part: at, parts: 2, body: at === 0 ? body.slice(0, 40) : body.slice(40) }));
    for (const envelope of [part(0, 1), part(0, 2), part(1, 1), part(1, 2)]) device.hear(envelope);
    expect(await device.say(drop('zzzzzzzzzzzz'))).toMatchObject({
      state: 'gone',
    });
    expect(device.links).toEqual([]);
    device.hear(part(0, 3));
    expect(await device.say(part(1, 3))).toMatchObject(state(3));
  });

  test('that was overtaken by a newer one changes nothing', async () => {
    await device.say(seal(hold({ revision: 7 })));
    device.hear(seal(hold({ revision: 6 }, service([]))));
    expect(await device.say(seal(hold({ revision: 8 })))).toMatchObject(state(8));
    expect(device.machine.links.get('bvpn0')!.peers.size).toBe(2);
  });

  test('that takes the interface of another service is refused', async () => {
    await device.say(seal(hold()));
    expect(await device.say(seal(hold({ service: TWO }, service(clients, { id: TWO }))))).toMatchObject({
      type: 'EVENT',
      kind: 'notice',
    });
    expect(
      await device.say(seal(hold({ service: TWO }, service(clients, { id: TWO }, 'bvpn1')))),
    ).toMatchObject({
      service: TWO,
      state: 'up',
    });
    expect(device.links).toEqual(['bvpn0', 'bvpn1']);
  });

  test('which the machine cannot follow is answered with why, and tried again', async () => {
    const { network } = office;
    const wrong = { ...network, interfaces: [{ ...network.interfaces[0]!, addresses: ['10.0.0.0/99'] }] };
    expect(await device.say(seal(hold({}, service(clients, { network: wrong }))))).toMatchObject(
      state(0, { state: 'failed', error_code: 'INVALID_INPUT' }),
    );
    expect(await device.say(seal(hold({ revision: 2 })))).toMatchObject(state(2));
  });

  test('is over for a device that may host nothing any more', async () => {
    await device.say(seal(hold()));
    device.bastion.forbid();
    await expect.poll(() => device.links, SLOW).toEqual([]);
    await expect.poll(() => device.kept, SLOW).toEqual([]);
  });

  test('leaves no key with a device that may host nothing any more, whatever fails there', async () => {
    await device.say(seal(hold()));
    await device.say(seal(hold({ service: TWO }, service(clients, { id: TWO }, 'bvpn1'))));
    await device.bastion.close();
    const damaged = JSON.stringify({ service: office, revision: 1 }).replace(
      '"privateKey":"',
      '"privateKey":',
    );
    const [plain, unfinished] = [`${ONE}.service.json`, `.${ONE}.service.json.0123456789ab.new`];
    rmSync(device.file(FILE));
    for (const name of [plain, unfinished]) writeFileSync(device.file(name), damaged, { mode: 0o600 });
    await device.start();
    await expect.poll(() => device.links, SLOW).toEqual(['bvpn1']);
    expect(device.kept.filter((name) => name.startsWith('.'))).toEqual([]);
    // What is wrong in it is told without a letter of it.
    expect(JSON.stringify(device.log.lines)).toContain(ONE);
    expect(JSON.stringify(device.log.lines)).not.toContain(server.privateKey.slice(0, 6));
    device.letGo = () => Promise.reject(new BorealisError('COMMAND_FAILED'));
    device.bastion.forbid();
    // What is to be taken down still, and no key of it.
    await expect.poll(() => device.kept, SLOW).toEqual([`${TWO}.leaving.json`]);
    expect(readFileSync(device.file(`${TWO}.leaving.json`), 'utf8')).not.toContain(server.privateKey);
    // Let in again, it has what it is told, and nothing of before.
    device.letGo = () => Promise.resolve();
    device.told.length = 0;
    device.hear(seal(hold({ service: TWO }, service([], { id: TWO }, 'bvpn1'))));
    await device.tells(TWO, { state: 'up' });
    expect(device.machine.links.get('bvpn1')!.peers.size).toBe(0);
    // Refused again.
    device.bastion.forbid();
    await expect.poll(() => device.links, SLOW).toEqual([]);
    await expect.poll(() => device.kept, SLOW).toEqual([]);
  });

  test('of what is here, and who is there, is told anew on each channel', async () => {
    await device.say(seal(hold()));
    device.told.length = 0;
    device.bastion.online();
    await expect
      .poll(() => device.told.map(({ type }) => type), SLOW)
      .toEqual(['BASTION_STATE', 'BASTION_PEERS']);
    expect(device.told[1]).toMatchObject({
      service: ONE,
      peers: keys.map((public_key) => ({ public_key, endpoint: null })),
    });
    expect(await device.keeper().open()).toMatchObject([{ revision: 1 }]);
  });
});
