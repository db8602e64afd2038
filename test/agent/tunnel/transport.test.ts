/** UDP, the relay, and the ways between them: the agent's end and the engine's, over real sockets and real TLS. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createAuthority } from '../../../src/crypto/ca.ts';
import { generateKeyPair } from '../../../src/wg/keys.ts';
import { until } from '../../daemon/agents.ts';
import { RelayedDevice } from './relayed-device.ts';

let device: RelayedDevice;
beforeEach(async () => {
  device = await RelayedDevice.start();
});
afterEach(() => device.close());

/** Both ways, said until it is heard: a packet may be lost while the way changes. */
const talk = async (word: string): Promise<void> => {
  await until(() => {
    device.own.say(word);
    return device.engine.heard.includes(word);
  });
  await until(() => {
    device.engine.say(word);
    return device.own.heard.includes(word);
  });
};
const relays = () => [...device.relay.ports].filter((port) => port !== 0);
const isOnRelay = () => device.ways.at(-1) === 'relay';
/** The event loop has turned so often. */
const turns = (count: number): Promise<unknown> => {
  let left = count;
  return until(() => {
    left -= 1;
    return left < 0;
  });
};
/** The engine speaks so often that, had it fallen silent, something would have happened by now. */
const beats = async (count: number): Promise<void> => {
  const enough = device.own.receivedBytes + 32 * count;
  await until(() => device.own.receivedBytes >= enough);
};

describe('by UDP', () => {
  test('nothing is opened while the engine is heard', async () => {
    const transport = device.begin();
    await talk('hello');
    await beats(20);
    expect(transport.current).toBe('udp');
    expect(device.pointed).toEqual([]);
    expect(relays()).toEqual([]);
  });

  test('a tunnel whose UDP is blocked goes on through a relay, and returns when it is not', async () => {
    const transport = device.begin();
    await talk('before');
    device.router.blocked = 'both';
    await until(isOnRelay);
    expect(transport.current).toBe('relay');
    await talk('through the relay');
    expect(relays()).toHaveLength(1);
    device.router.blocked = 'none';
    await until(() => transport.current === 'udp');
    await talk('again');
    expect(device.ways).toEqual(['relay', 'udp']);
    expect(device.own.endpoint).toBe(device.router.endpoint);
    await until(() => relays().length === 0 && device.engine.known.size === 0);
  });

  test('a tunnel whose UDP never worked is up through the relay', async () => {
    device.router.blocked = 'both';
    const transport = device.begin();
    await until(isOnRelay);
    expect(transport.current).toBe('relay');
    // A peer that has tried a handshake in vain must forget that, or it waits five seconds.
    expect(device.pointed[0]).toBeNull();
    await talk('hello');
  });

  test('an engine that is silent, and reached, is left alone for a while', async () => {
    device.begin();
    await talk('before');
    // Its word goes elsewhere; probes are answered.
    const elsewhere = createSocket('udp4').bind(0, '127.0.0.1');
    await once(elsewhere, 'listening');
    const lead = (): void => {
      device.engine.endpoint = `127.0.0.1:${elsewhere.address().port}`;
    };
    lead();
    await until(() => device.engine.answered > 0);
    expect(device.ways).toEqual([]);
    lead();
    await until(isOnRelay);
    elsewhere.close();
    await talk('after');
  });
});

describe('a probe', () => {
  test('moves the engine nowhere: its word comes through the relay all the while', async () => {
    device.begin();
    await talk('before');
    device.router.blocked = 'both';
    await until(isOnRelay);
    await talk('through');
    const [port] = relays();
    device.router.blocked = 'none';
    const answered = device.engine.answered;
    while (device.engine.answered === answered && isOnRelay()) {
      expect(device.engine.endpoint).toBe(`127.0.0.1:${port}`);
      await beats(1);
    }
  });

  test('that somebody answers who is not the engine brings nothing back to UDP', async () => {
    // Reached by UDP is the engine's double, which to this transport is not the engine.
    device.begin({ engineKey: generateKeyPair().publicKey });
    await talk('before');
    device.router.blocked = 'both';
    await until(isOnRelay);
    device.router.blocked = 'none';
    await beats(40);
    expect(device.ways).toEqual(['relay']);
  });

  test('that is answered on a way that then does not work: the relay is taken again', async () => {
    const transport = device.begin();
    await talk('before');
    device.router.blocked = 'both';
    await until(isOnRelay);
    await talk('through');
    const back = device.pointed.length;
    // From now on handshakes pass; WireGuard's own packets do not.
    const { engine, own } = device;
    const point = own.point.bind(own);
    vi.spyOn(own, 'point').mockImplementation((to, keepalive) =>
      point(to === device.router.endpoint ? '127.0.0.1:9' : to, keepalive),
    );
    device.router.blocked = 'none';
    await until(() => device.pointed.slice(back).includes(device.router.endpoint));
    await until(() => device.pointed.at(-1) !== device.router.endpoint && engine.endpoint !== null);
    await talk('still here');
    expect(transport.current).toBe('relay');
  });
});

describe('a relay', () => {
  test('that the engine refuses is asked for again, and taken when it no longer does', async () => {
    device.tunnels.clear();
    const transport = device.begin();
    await talk('before');
    device.router.blocked = 'both';
    await until(() => device.log.lines.filter(({ message }) => message.startsWith('no relay')).length > 1);
    expect(transport.current).toBe('udp');
    device.tunnels.add(device.agent.enrolled!.guid);
    await until(isOnRelay);
    await talk('after');
  });

  test('that breaks off is replaced', async () => {
    device.begin();
    await talk('before');
    device.router.blocked = 'both';
    await until(isOnRelay);
    await talk('first');
    const [first] = relays();
    device.relay.end(device.agent.enrolled!.guid);
    await until(() => relays().length === 1 && relays()[0] !== first);
    await talk('second');
  });

  test('is not opened to who is not the pinned engine', async () => {
    const { certificatePem: authority } = await createAuthority({
      now: new Date(),
      commonName: 'another engine',
    });
    device.begin({ credentials: device.credentials({ authority }) });
    await talk('before');
    device.router.blocked = 'both';
    await until(() => device.log.lines.some(({ message }) => message.startsWith('no relay')));
    expect(device.log.lines.find(({ message }) => message.startsWith('no relay'))?.data).toMatchObject({
      err: { code: 'PIN_MISMATCH' },
    });
    expect(relays()).toEqual([]);
  });

  test('is not opened without the token', async () => {
    device.begin({ credentials: device.credentials({ accessToken: 'x.y.z' }) });
    await talk('before');
    device.router.blocked = 'both';
    await until(() => device.log.lines.some(({ message }) => message.startsWith('no relay')));
    expect(device.log.lines.find(({ message }) => message.startsWith('no relay'))?.data).toMatchObject({
      err: { code: 'TOKEN_INVALID' },
    });
    expect(relays()).toEqual([]);
  });

  test('carries packets of this device’s WireGuard and of nobody else on the machine', async () => {
    device.begin();
    await talk('before');
    device.router.blocked = 'both';
    await until(isOnRelay);
    await talk('through');
    const port = Number(device.pointed.at(-1)!.split(':')[1]);
    const stranger = createSocket('udp4').bind(0, '127.0.0.1');
    const packet = Buffer.alloc(64, 0x41);
    packet.set([4, 0, 0, 0]);
    for (let sent = 0; sent < 20; sent += 1) stranger.send(packet, port, '127.0.0.1');
    // And what is no packet of WireGuard ends nothing.
    device.own.send(Buffer.from('hello'));
    await talk('after');
    expect(device.engine.heard.filter((word) => word.includes('AAAA'))).toEqual([]);
    expect(device.ways).toEqual(['relay']);
    stranger.close();
  });
});

describe('a WireGuard that is another one', () => {
  test.each(['by UDP', 'through a relay'] as const)(
    'of this device, which was gone: a session is begun %s',
    async (way) => {
      const transport = device.begin();
      await talk('before');
      if (way !== 'by UDP') {
        device.router.blocked = 'both';
        await until(isOnRelay);
        await talk('through');
      }
      const pointed = device.pointed.length;
      const [relay] = relays();
      device.isGone = true;
      // Made, told to forget, and called: its relay led to the port of the one before.
      await until(() => device.pointed.length > pointed + 1);
      expect(device.pointed.slice(pointed, pointed + 2)).toEqual([null, device.router.endpoint]);
      if (way !== 'by UDP') await until(() => relays().length === 1 && relays()[0] !== relay);
      await talk('after');
      expect(transport.current).toBe(way === 'by UDP' ? 'udp' : 'relay');
      expect(device.log.lines.filter(({ message }) => message.startsWith('WireGuard'))).toHaveLength(1);
    },
  );

  test.each(['by UDP', 'through a relay'] as const)(
    'of the engine, which says so and stays silent %s: a session is begun',
    async (way) => {
      const transport = device.begin();
      await talk('before');
      if (way !== 'by UDP') {
        device.router.blocked = 'both';
        await until(isOnRelay);
        await talk('through');
      }
      const pointed = device.pointed.length;
      const silence = vi.spyOn(device.engine, 'say').mockImplementation(() => undefined);
      // What it said before is on its way no more.
      await turns(8);
      // But was not looked at yet: it says nothing of the one that is there now.
      device.own.receivedBytes += 32;
      transport.engineBack();
      await until(() => device.pointed.slice(pointed).includes(null));
      silence.mockRestore();
      await talk('after');
    },
  );

  test('is not looked for while the engine is heard, whatever it says', async () => {
    const transport = device.begin();
    await talk('before');
    transport.engineBack();
    await beats(20);
    expect(device.pointed).toEqual([]);
  });
});

describe('closed', () => {
  test.each(['while UDP works', 'while a relay is opened', 'through a relay'])(
    '%s, it leaves nothing',
    async (when) => {
      const transport = device.begin();
      await talk('before');
      if (when !== 'while UDP works') {
        device.router.blocked = 'both';
        if (when === 'through a relay') await until(isOnRelay);
        else await turns(40);
      }
      await transport.close();
      await until(() => relays().length === 0);
      const pointed = device.pointed.length;
      device.router.blocked = 'both';
      await turns(40);
      expect(device.pointed).toHaveLength(pointed);
      expect(device.engine.known.size).toBe(0);
    },
  );
});
