/** Keys of services on a device's disk: none is to be found there, and none is taken from there that was not kept there. */
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sealKeyFile } from '../../../src/agent/bastion/seal-key.ts';
import { digestText, serviceDigest } from '../../../src/crypto/service-digest.ts';
import { client, Device, drop, hold, ONE, SLOW, server, service, TWO } from './device.ts';

const secret = Buffer.alloc(32, 7).toString('base64');
const withSecret = client(2);
const office = service([{ ...withSecret, peer: { ...withSecret.peer, presharedKey: secret } as never }]);
const branch = service([client(4)], { id: TWO, name: 'branch' }, 'bvpn1');
const [SEALED, PLAIN, JOURNAL] = [`${ONE}.service.sealed`, `${ONE}.service.json`, `${ONE}.service.journal`];

let device: Device;
beforeEach(() => {
  device = new Device();
});
afterEach(() => device.close());

/** All that lies below the directory of the test, but for the key itself. */
const onDisk = (): string =>
  readdirSync(device.folder.directory, { recursive: true, withFileTypes: true })
    .map((one) => join(one.parentPath, one.name))
    .filter((path) => path !== device.keyFile && statSync(path).isFile())
    .map((path) => readFileSync(path, 'latin1'))
    .join('\n');
/** In each form in which a key could be written. */
const forms = (key: string): string[] => {
  const bytes = Buffer.from(key, 'base64');
  return [key.slice(0, -1), bytes.toString('base64url'), bytes.toString('hex'), bytes.toString('latin1')];
};
const expectNoKeys = (): void => {
  for (const form of [server.privateKey, secret].flatMap(forms)) expect(onDisk()).not.toContain(form);
};
/** As agents kept them before. */
const plain = (revision: number, of = office): void =>
  writeFileSync(device.file(PLAIN), JSON.stringify({ service: of, revision }), { mode: 0o600 });
const digest = digestText(serviceDigest(office));

const hosting = async (): Promise<void> => {
  await device.start();
  device.hear(...hold(office));
  await device.tells(ONE, { state: 'up', revision: 1 });
};
/** What the next agent takes up. */
const stopped = async (work: () => void): Promise<void> => {
  await device.bastion.close();
  work();
  device.told.length = 0;
  (await device.start()).online();
};

test('no key of a service is in the state of the agent, and it goes on with no engine there', async () => {
  await hosting();
  expectNoKeys();
  expect(statSync(device.keyFile).mode & 0o777).toBe(0o600);
  await device.killed();
  await device.tells(ONE, { state: 'up', revision: 1, digest });
  expect(device.links).toEqual(['bvpn0']);
  expectNoKeys();
  expect(JSON.stringify(device.log.lines)).not.toContain(server.privateKey);
});

describe('what an agent before this one kept in the open', () => {
  test('is taken over with its changes and sealed, and is there no more', async () => {
    const come = client(4);
    await device.start();
    await device.bastion.close();
    plain(3, service([withSecret]));
    const after = serviceDigest(service([withSecret, come]));
    const change = {
      from: { revision: 3, digest: digestText(serviceDigest(service([withSecret]))) },
      to: { revision: 4, digest: digestText(after) },
      gone: [],
      come: [come],
    };
    writeFileSync(device.file(JOURNAL), `\n${JSON.stringify(change)}\n`, { mode: 0o600 });
    await device.start();
    await device.tells(ONE, { state: 'up', revision: 4, digest: digestText(after) });
    expect(device.kept.filter((name) => name.includes('.service.'))).toEqual([SEALED]);
    expectNoKeys();
    await device.killed();
    await expect.poll(() => device.peers().length, SLOW).toBe(2);
  });

  test.each([
    ['is older than what is sealed', 1, 5, 5],
    ['is newer than what is sealed: an older agent was there for a while', 9, 5, 9],
  ])('and %s', async (_what, inTheOpen, sealed, wanted) => {
    await device.start();
    device.hear(...hold(office, sealed));
    await device.tells(ONE, { state: 'up' });
    await stopped(() => plain(inTheOpen));
    await device.tells(ONE, { state: 'up', revision: wanted });
    expect(device.kept).not.toContain(PLAIN);
    expectNoKeys();
  });

  test('stays, and is not served, where no key can be made to seal it with; it says what to do', async () => {
    await device.start();
    await stopped(() => {
      plain(1);
      rmSync(device.keyFile, { force: true });
      writeFileSync(device.keyFile, 'too short', { mode: 0o600 });
    });
    await device.tells(ONE, { state: 'failed', error_code: 'SERVICE_KEYS_UNOPENED', wants_whole: true });
    expect(device.links).toEqual([]);
    expect(device.kept).toContain(PLAIN);
    await stopped(() => rmSync(device.keyFile));
    await device.tells(ONE, { state: 'up', revision: 1 });
    expectNoKeys();
  });
});

describe('what is kept is not taken up', () => {
  /** Told to the engine, who tells the whole again; then all is as it was. */
  const isRefused = async (code: string): Promise<void> => {
    await device.tells(ONE, { state: 'failed', revision: 0, error_code: code, wants_whole: true });
    expect(device.links).toEqual([]);
    expect(device.log.lines.some(({ level }) => level === 'error')).toBe(true);
  };
  const isWellAgain = async (): Promise<void> => {
    device.hear(...hold(office, 2));
    await device.tells(ONE, { state: 'up', revision: 2, digest });
    expect(device.links).toEqual(['bvpn0']);
    await device.killed();
    await device.tells(ONE, { state: 'up', revision: 2 });
    expectNoKeys();
  };
  beforeEach(hosting);

  test('where the key is missing: the engine tells it again, under a new one', async () => {
    await stopped(() => rmSync(device.keyFile));
    await isRefused('SERVICE_KEYS_UNOPENED');
    await isWellAgain();
  });

  test('where the key is another one’s', async () => {
    await stopped(() => writeFileSync(device.keyFile, Buffer.alloc(32, 1), { mode: 0o600 }));
    await isRefused('SERVICE_KEYS_UNOPENED');
    await isWellAgain();
  });

  test('where the key is none: that is left alone, and the engine hears why nothing is kept', async () => {
    await stopped(() => writeFileSync(device.keyFile, 'my key', { mode: 0o600 }));
    await isRefused('SERVICE_KEYS_UNOPENED');
    device.told.length = 0;
    device.hear(...hold(office, 2));
    await device.tells(ONE, {
      state: 'failed',
      revision: 0,
      error_code: 'SERVICE_KEYS_UNOPENED',
      error: expect.stringContaining('32 bytes'),
    });
    expect(device.links).toEqual([]);
    expect(readFileSync(device.keyFile, 'utf8')).toBe('my key');
    expectNoKeys();
    rmSync(device.keyFile);
    await isWellAgain();
  });

  test('where others can read the key', async () => {
    await stopped(() => chmodSync(device.keyFile, 0o644));
    await isRefused('STATE_UNSAFE');
    chmodSync(device.keyFile, 0o600);
    await isWellAgain();
  });

  test.each<[string, (bytes: Buffer) => Buffer]>([
    [
      'changed',
      (bytes) => Buffer.concat([bytes.subarray(0, 40), Buffer.of(bytes[40]! ^ 1), bytes.subarray(41)]),
    ],
    ['cut', (bytes) => bytes.subarray(0, -1)],
    ['empty', () => Buffer.alloc(0)],
    ['written in the open instead', () => Buffer.from(JSON.stringify({ service: office, revision: 1 }))],
  ])('where it was %s', async (_what, tamper) => {
    const path = device.file(SEALED);
    await stopped(() => writeFileSync(path, tamper(readFileSync(path)), { mode: 0o600 }));
    await isRefused('SERVICE_KEYS_UNOPENED');
    await isWellAgain();
  });

  test('where it is another service’s, put in its place', async () => {
    device.hear(...hold(branch));
    await device.tells(TWO, { state: 'up' });
    const path = device.file(SEALED);
    await stopped(() =>
      writeFileSync(path, readFileSync(device.file(`${TWO}.service.sealed`)), { mode: 0o600 }),
    );
    await device.tells(ONE, { state: 'failed', error_code: 'SERVICE_KEYS_UNOPENED' });
    await device.tells(TWO, { state: 'up' });
    expect(device.links).toEqual(['bvpn1']);
  });

  test('and goes where the engine says that it is to go', async () => {
    await stopped(() => rmSync(device.keyFile));
    await isRefused('SERVICE_KEYS_UNOPENED');
    device.hear(drop());
    await device.tells(ONE, { state: 'gone' });
    expect(device.kept).toEqual([]);
    device.told.length = 0;
    device.bastion.online();
    expect(device.told).toEqual([]);
  });
});

test('the key is where it is said to be, or apart from the state', () => {
  const folder = device.folder.directory;
  expect(sealKeyFile('/var/lib/borealis-agent', undefined, {})).toBe('/etc/borealis-agent.key');
  expect(sealKeyFile('/srv/agent', undefined, {})).toBe('/srv/agent.key');
  expect(sealKeyFile('/srv/agent', undefined, { CREDENTIALS_DIRECTORY: folder })).toBe('/srv/agent.key');
  const credential = join(folder, 'borealis-agent-seal-key');
  writeFileSync(credential, Buffer.alloc(32), { mode: 0o600 });
  expect(sealKeyFile('/srv/agent', undefined, { CREDENTIALS_DIRECTORY: folder })).toBe(credential);
  expect(sealKeyFile('/srv/agent', '/mnt/key', { CREDENTIALS_DIRECTORY: folder })).toBe('/mnt/key');
});
