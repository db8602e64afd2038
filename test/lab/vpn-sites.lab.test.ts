/** Sites, masquerading, several services, what changes while traffic flows, and an engine that ends: in order of one another. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditRecord } from '../../src/protocol/audit.ts';
import type { Status } from '../../src/protocol/engine.ts';
import type { Connection } from '../../src/protocol/vpn.ts';
import { hold } from '../commands/hold.ts';
import { callSocket } from '../daemon/engine.ts';
import { requires } from '../require.ts';
import type { Host } from './host.ts';
import { call, echoServer, exchange, tryTcp } from './inside.ts';
import { LAB_NEEDS, Lab } from './lab.ts';
import { ENGINE_ADDRESS } from './network.ts';
import { DARK, LIGHT, picture } from './picture.ts';
import type { Process } from './processes.ts';
import {
  BASTION,
  INNER,
  sayWho,
  startBranch,
  startInner,
  streamUdp,
  tryUdp,
  udpEcho,
} from './vpn-network.ts';

const REFUSED = /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EACCES|EPERM|ECONNRESET|silence)$/;
const BRANCH = '10.20.0';

describe('a VPN service', requires(...LAB_NEEDS, 'wg-quick', 'zbarimg'), () => {
  let lab: Lab;
  let engine: Process;
  let inner: Host;
  let branch: Host;
  let north: Host;
  let south: Host;
  const connection = <T = Connection>(verb: string, ...args: string[]) =>
    lab.json<T>(['connection', verb, 'office', ...args]);
  const config = async (name: string, ...more: string[]): Promise<string> => {
    const file = lab.path(`${name}.conf`);
    await connection('config', name, '--file', file, ...more);
    return file;
  };

  beforeAll(async () => {
    lab = await Lab.start(['north', 'south']);
    north = lab.device('north');
    south = lab.device('south');
    inner = await startInner(lab);
    branch = await startBranch(south, BRANCH);
    await Promise.all([
      echoServer(inner, 80, 443),
      sayWho(inner, 90),
      udpEcho(inner, 53),
      echoServer(branch, 80),
    ]);
    engine = await lab.startEngine();
    await lab.json([
      ...['vpn', 'create', 'office', '--endpoint', `${ENGINE_ADDRESS}:51820`, '--pool', '10.8.0.0/24'],
      ...['--local-subnet', '192.168.5.0/24', '--masquerade'],
    ]);
    await connection('add', 'ada');
    north.run('wg-quick', 'up', await config('ada'));
  });
  afterAll(async () => {
    await Promise.all([inner?.end(), branch?.end()]);
    await lab?.dispose();
  });

  test('reaches by masquerading a network whose router knows nothing of it', async () => {
    expect(await exchange(north, INNER, 90, '')).toBe(BASTION);
    expect(await tryUdp(north, INNER, 53, 8_000)).toBe('echo');
  });

  test('joins a site with both: its file is taken unchanged by wg setconf', async () => {
    await connection('add', 'berlin', '--site-subnets', `${BRANCH}.0/24`, '--psk');
    const file = await config('berlin', '--format', 'wg');
    south.run('wireguard-go', 'wg0');
    south.run('wg', 'setconf', 'wg0', file);
    const address = /^# Address = (\S+)$/m.exec(readFileSync(file, 'utf8'))?.[1];
    south.ip(
      `address add ${address} dev wg0`,
      'link set wg0 mtu 1420 up',
      'route add 10.8.0.0/24 dev wg0',
      'route add 192.168.5.0/24 dev wg0',
    );
    // From the site to the local network, and the other way.
    expect(await tryTcp(branch, INNER, 80)).toBe('echo');
    inner.ip(`route add ${BRANCH}.0/24 via ${BASTION}`);
    expect(await tryTcp(inner, `${BRANCH}.2`, 80)).toBe('echo');
    const text = 'Grüße, and a line of text.\n'.repeat(100_000);
    expect((await exchange(inner, `${BRANCH}.2`, 80, text, 30_000)) === text).toBe(true);
    expect(await connection('show', 'berlin')).toMatchObject({ kind: 'site', status: 'connected' });
  });

  test('a client reaches a site through it, which is told of it in its configuration', async () => {
    const file = await config('ada', '--new-key', '--force');
    expect(readFileSync(file, 'utf8')).toContain(`, ${BRANCH}.0/24`);
    north.run('wg-quick', 'down', file);
    north.run('wg-quick', 'up', file);
    expect(await tryTcp(north, `${BRANCH}.2`, 80)).toBe('echo');
    await echoServer(north, 7_000);
    const { address } = await connection('show', 'ada');
    expect(await tryTcp(inner, address, 7_000)).toMatch(REFUSED);
  });

  test('what it may reach changes on live traffic', async () => {
    const talk = streamUdp(north, INNER, 53);
    const open = await call(north, INNER, 443);
    const site = await call(north, `${BRANCH}.2`, 80);
    await expect.poll(talk.heard).toBeGreaterThan(5);
    await connection('change', 'ada', '--allow', `${INNER}/32:443/tcp`);
    expect(await tryTcp(north, INNER, 80)).toMatch(REFUSED);
    const heard = talk.heard();
    expect(await site.speak(500)).toBe(false);
    expect(await open.speak()).toBe(true);
    expect(talk.heard()).toBe(heard);
    expect(await connection('change', 'ada', '--allow-all')).toMatchObject({ allow: [] });
    await expect.poll(talk.heard).toBeGreaterThan(heard);
    for (const each of [open, site]) each.hangUp();
    talk.end();
  });

  test('two of them know nothing of each other', async () => {
    await lab.json([
      'vpn',
      'create',
      'other',
      '--endpoint',
      `${ENGINE_ADDRESS}:51821`,
      '--pool',
      '10.9.0.0/24',
    ]);
    await lab.json(['connection', 'add', 'other', 'eve']);
    const file = lab.path('eve.conf');
    await lab.json(['connection', 'config', 'other', 'eve', '--file', file]);
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(/^AllowedIPs = .*$/m, `AllowedIPs = 10.9.0.0/24, ${INNER}/32`),
    );
    south.run('wg-quick', 'up', file);
    // Its way to what is the other's, and from the address of the other's client.
    expect(south.run('ip', 'route', 'get', INNER)).toContain('dev eve');
    expect(await tryTcp(south, INNER, 80)).toMatch(REFUSED);
    south.ip('address add 10.8.0.2/32 dev eve', `route replace ${INNER}/32 dev eve src 10.8.0.2`);
    expect(await tryTcp(south, INNER, 80)).toMatch(REFUSED);
    south.run('wg-quick', 'down', file);
    expect(await tryTcp(north, INNER, 80)).toBe('echo');
    await lab.json(['vpn', 'delete', 'other', '--yes']);
    expect(await tryTcp(north, INNER, 80)).toBe('echo');
  });

  test('expired, a client that goes on sending gets nothing', async () => {
    const talk = streamUdp(north, INNER, 53);
    await expect.poll(talk.heard).toBeGreaterThan(5);
    const after = await lab.newestEvent();
    await connection('change', 'ada', '--expires', '2s');
    const { at } = await lab.event('connection.changed', ({ data }) => data.change === 'expired', after);
    const { status, expires_at } = await connection('show', 'ada');
    expect(status).toBe('expired');
    expect(Date.parse(at) - Date.parse(String(expires_at))).toBeLessThan(5_000);
    expect(await tryTcp(north, INNER, 443)).toMatch(REFUSED);
    const heard = talk.heard();
    expect(await tryTcp(north, INNER, 80)).toMatch(REFUSED);
    expect(talk.heard()).toBe(heard);
    await connection('change', 'ada', '--no-expiry');
    await expect.poll(talk.heard).toBeGreaterThan(heard);
    talk.end();
  });

  test('an engine that is killed cuts nobody off, and the next one takes over what is there', async () => {
    const open = await call(north, INNER, 443);
    await engine.kill('SIGKILL');
    expect(await open.speak()).toBe(true);
    const before = lab.engine.run('wg', 'show', 'bvpn0', 'dump');
    engine = await lab.startEngine();
    expect(await open.speak()).toBe(true);
    expect(lab.engine.run('wg', 'show', 'bvpn0', 'dump').split('\t')[0]).toBe(before.split('\t')[0]);
    expect(await connection('show', 'ada')).toMatchObject({ status: 'connected' });
    open.hangUp();
  });

  test('an engine that ends leaves nothing, and the next one has its clients back at once', async () => {
    const talk = streamUdp(north, INNER, 53);
    await expect.poll(talk.heard).toBeGreaterThan(5);
    expect(await engine.kill('SIGTERM')).toMatchObject({ code: 0 });
    expect(lab.engine.run('ip', '-brief', 'link')).not.toContain('bvpn');
    expect(lab.engine.run('nft', 'list', 'tables').trim()).toBe('');
    const heard = talk.heard();
    engine = await lab.startEngine();
    // Of itself it would go on with a session that nobody knows any more, for 15 seconds.
    await expect.poll(talk.heard, { timeout: 7_000 }).toBeGreaterThan(heard);
    talk.end();
  });

  test('one that cannot be taken up says why, everywhere, and is up as soon as it can be', async () => {
    await engine.kill('SIGTERM');
    const program = "require('node:dgram').createSocket('udp4').bind(51820, () => console.log('ready'))";
    const [file, ...args] = lab.engine.argv(process.execPath, '-e', program);
    const other = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(other.stdout, 'data');
    engine = await lab.startEngine();
    const failed = { phase: 'failed', reason: expect.stringContaining('51820') };
    expect(await lab.json(['vpn', 'show', 'office'])).toMatchObject(failed);
    const warning = expect.objectContaining({
      code: 'vpn:office',
      message: expect.stringContaining('51820'),
    });
    expect((await lab.json<Status>(['status'])).warnings).toContainEqual(warning);
    const after = await lab.newestEvent();
    lab.engine.run('sh', '-c', 'kill $(ss -Hlunp sport = :51820 | sed "s/.*pid=\\([0-9]*\\).*/\\1/")');
    await once(other, 'close');
    await lab.event('vpn.changed', ({ data }) => data.change === 'up', after);
    expect(await lab.json(['vpn', 'show', 'office'])).toMatchObject({ phase: 'up', reason: null });
    await expect.poll(() => tryTcp(north, INNER, 80), { timeout: 7_000 }).toBe('echo');
  });

  test('somebody who sends as a client from elsewhere is not heard', async () => {
    const { address } = await connection('show', 'ada');
    lab.network.router.ip(
      `address add ${address}/32 dev lo`,
      `route add 192.168.5.0/24 via ${ENGINE_ADDRESS} src ${address}`,
    );
    expect(await tryTcp(lab.network.router, INNER, 80)).toMatch(REFUSED);
    lab.network.router.ip(`route del 192.168.5.0/24`, `address del ${address}/32 dev lo`);
    // Nor does the host pass on for others than the service, because of it.
    lab.network.router.ip(`route add 192.168.5.0/24 via ${ENGINE_ADDRESS}`);
    inner.ip(`route add 203.0.113.0/24 via ${BASTION}`);
    expect(await tryTcp(lab.network.router, INNER, 80)).toMatch(REFUSED);
  });

  describe('as a QR code', () => {
    const scan = (name: string, image: Buffer): string => {
      const file = lab.path(name);
      writeFileSync(file, image);
      return spawnSync('zbarimg', ['--quiet', '--raw', file], { encoding: 'utf8' }).stdout.trim();
    };
    const shown = async (name: string, columns: number, rows: number, ...more: string[]) => {
      const terminal = lab.terminal(['connection', 'qr', 'office', name, ...more], { columns, rows });
      await terminal.ended;
      return terminal;
    };

    test.each([
      ['a dark', DARK, 80, 24],
      ['a light', LIGHT, 80, 24],
      ['a dark', DARK, 120, 50],
      ['a light', LIGHT, 120, 50],
    ] as const)('a configuration is read from $0 screen of $2 × $3', async (paper, colours, cols, rows) => {
      const name = `phone-${paper.slice(2)}-${cols}`;
      await connection('add', name);
      const { written } = await shown(name, cols, rows);
      const text = scan('screen.ppm', await picture(written, { cols, rows }, colours));
      const { address, public_key } = await connection('show', name);
      expect(text).toMatch(/^\[Interface\]\nPrivateKey=\S{44}\n/);
      expect(text).toContain(`Address=${address}/32\n`);
      const [, privateKey = ''] = /^PrivateKey=(.*)$/m.exec(text) ?? [];
      expect(lab.engine.feed(privateKey, 'wg', 'pubkey').trim()).toBe(public_key);
    });

    test('where the screen is too small it says what it takes, and makes no key', async () => {
      await connection('add', 'small');
      const { text } = await shown('small', 40, 12);
      expect(text).toMatch(/takes \d+ × \d+ characters, and this terminal has 40 × 12/);
      expect(text).toMatch(/Enlarge it to \d+ × \d+, better \d+ × \d+/);
      expect(await connection('show', 'small')).toMatchObject({ public_key: null });
    });

    test('as a picture it is a file for nobody else', async () => {
      const file = lab.path('small.png');
      await connection('qr', 'small', '--png', file);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      const text = spawnSync('zbarimg', ['--quiet', '--raw', file], { encoding: 'utf8' }).stdout;
      expect(text).toContain('PrivateKey=');
      const { code, stdout } = await lab.ctl(['connection', 'qr', 'office', 'small', '--json']);
      expect([code, JSON.parse(stdout)]).toMatchObject([7, { error: { code: 'PRIVATE_KEY_SHOWN' } }]);
      await expect(connection('qr', 'small', '--png', file)).rejects.toThrow('exists already');
    });

    test('its JSON is what scripts rely on', async () => {
      const png = ['small', '--new-key', '--force', '--png', lab.path('small.png')];
      await hold(lab, 'connection-qr', await connection('qr', ...png));
      await hold(lab, 'connection-change', await connection('change', 'small', '--allow', `${INNER}/32:443`));
    });
  });

  test('over HTTP it is where scripts look for it, and a picture is one', async () => {
    const get = (path: string) => callSocket(lab.socket, 'GET', `/api/v1/vpn-services${path}`);
    for (const path of [
      '',
      '/office',
      '/office/status',
      '/office/connections',
      '/office/connections/ada/config',
    ])
      expect((await get(path)).status, path).toBe(200);
    const shown = '/office/connections/small/config-qr';
    expect((await get(shown)).body).toMatchObject({ status: 409, code: 'PRIVATE_KEY_SHOWN' });
    const { headers, bytes } = await get(`${shown}?new_key=true`);
    expect([headers['content-type'], bytes.subarray(1, 4).toString()]).toEqual(['image/png', 'PNG']);
  });

  test('each change has its record', async () => {
    const audit = await lab.json<AuditRecord[]>(['audit', 'list']);
    for (const record of [
      { action: 'connection.change', target: 'office ada' },
      { action: 'connection.qr', target: 'office small' },
    ])
      expect(audit).toContainEqual(expect.objectContaining({ ...record, result: 'done', actor: 'root' }));
  });

  test('no private key of a client is in the store, in a log, or in a backup', async () => {
    const secret = lab.path('passphrase');
    writeFileSync(secret, 'correct horse battery staple\n', { mode: 0o600 });
    await lab.json(['backup', 'create', lab.path('all.backup'), '--passphrase-file', secret]);
    const keys = ['ada.conf', 'berlin.conf'].map(
      (file) => /^PrivateKey = (\S{44})$/m.exec(readFileSync(lab.path(file), 'utf8'))?.[1] as string,
    );
    const server = lab.engine.run('wg', 'show', 'bvpn0', 'private-key').trim();
    const psk = /^PresharedKey = (\S{44})$/m.exec(
      readFileSync(lab.path('berlin.conf'), 'utf8'),
    )?.[1] as string;
    const files = [
      ...globSync('**/*', { cwd: lab.path('engine') }).map((name) => lab.path('engine', name)),
      lab.path('all.backup'),
    ].filter((file) => statSync(file).isFile());
    expect(files.some((file) => file.endsWith('borealis.db'))).toBe(true);
    const written = [Buffer.from(engine.stderr + engine.stdout), ...files.map((file) => readFileSync(file))];
    for (const key of [...keys, server, psk]) {
      expect(key).toHaveLength(44);
      const forms = [
        Buffer.from(key),
        Buffer.from(key, 'base64'),
        Buffer.from(Buffer.from(key, 'base64').toString('hex')),
      ];
      for (const form of forms) expect(written.filter((bytes) => bytes.includes(form))).toHaveLength(0);
    }
    // What is found by this, were it there.
    expect(written.some((bytes) => bytes.includes(Buffer.from('berlin')))).toBe(true);
    expect(join(lab.directory, 'engine')).toBe(lab.path('engine'));
  });
});
