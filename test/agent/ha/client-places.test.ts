/** Where thousands of clients are, when all of them move at once: what goes from one node to the other, and when. */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { ClientPlaces } from '../../../src/agent/ha/client-places.ts';
import { type PeerPlace, ROUND_MAX } from '../../../src/agent/ha/endpoints.ts';
import { ENTRIES_MAX, type PairMessage, pairMessage } from '../../../src/agent/ha/messages.ts';
import { openDatagrams } from '../../../src/ha/datagrams.ts';
import { keptLog } from '../parts.ts';

const MANY = 5_000;
const keys = Array.from({ length: MANY }, () => randomBytes(32).toString('base64'));
/** As long as they get. */
const at = (port: number): PeerPlace[] =>
  keys.map((publicKey, index) => ({
    publicKey,
    endpoint: `[2001:db8:1234:5678:9abc:def0:1234:${(4_096 + (index % 50_000)).toString(16)}]:${port}`,
    lastHandshake: 1_790_000_000,
  }));

const NAME = '0d4f5bd6-6a5f-4a9f-9f0e-2d2f7f9a6c11/abcdefghijkl';
type Line = (message: PairMessage) => void;

class World {
  /** Monotonic, milliseconds; it stands still. */
  now = 1_000;
  peers: readonly PeerPlace[] = at(40_000);
  /** Under way to the standby, and the most that ever were. */
  readonly under: PairMessage[] = [];
  most = 0;
  /** Of those that were told. */
  told = 0;
  learnt = new Map<string, string>();
  /** From the holder, and from the standby. */
  line: { there: Line; back: Line } = {
    there: (message) => this.under.push(message),
    back: (message) => this.holderHears(message),
  };
  readonly holder = this.#places(true, (message) => {
    this.told += 1;
    this.line.there(message);
    this.most = Math.max(this.most, this.under.length);
  });
  readonly standby = this.#places(false, (message) => this.line.back(message));

  #places(isHolder: boolean, say: Line): ClientPlaces {
    const places = new ClientPlaces({
      name: NAME,
      isHolder: () => isHolder,
      service: {
        peers: () => Promise.resolve(this.peers.map((peer) => ({ ...peer, receivedBytes: 0 }))),
        learnPlaces: (endpoints) => {
          for (const [key, endpoint] of endpoints) this.learnt.set(key, endpoint);
        },
      },
      say,
      clock: { monotonic: () => this.now },
      log: keptLog(),
    });
    if (isHolder) places.took(1);
    return places;
  }

  /** All that is under way comes, but for these, in order; and what is said because of it. Time stands still. */
  deliver(isLost: (number: number) => boolean = () => false): void {
    for (let number = 0; this.under.length > 0; number += 1) {
      const message = this.under.shift();
      if (!isLost(number)) this.standbyHears(message);
    }
  }

  standbyHears(data: unknown): void {
    const message = pairMessage.parse(data);
    if (message.t === 'peers') this.standby.heard(message);
  }

  holderHears(data: unknown): void {
    const message = pairMessage.parse(data);
    if (message.t === 'have') this.holder.acknowledged(message.of, message.upto);
  }

  get known(): number {
    return this.peers.filter(({ publicKey, endpoint }) => this.standby.all.get(publicKey) === endpoint)
      .length;
  }
}

test('all of them are known at the other node after one look, however many rounds that takes', async () => {
  const world = new World();
  for (const port of [40_000, 50_000]) {
    world.peers = at(port);
    world.told = 0;
    await world.holder.look();
    expect(world.under).toHaveLength(ROUND_MAX);
    world.deliver();
    expect([world.known, world.holder.areTold, world.learnt.size]).toEqual([MANY, true, MANY]);
    // Nothing twice, and never more at once than the other end has room for.
    expect([world.told, world.most]).toEqual([Math.ceil(MANY / ENTRIES_MAX), ROUND_MAX]);
  }
});

test('one that is lost costs a tenth of a second, not the next look', async () => {
  const world = new World();
  await world.holder.look();
  world.deliver((number) => number === 100);
  expect(world.known).toBeLessThan(MANY);
  world.holder.tick(world.now + 99);
  expect(world.under).toEqual([]);
  world.holder.tick(world.now + 100);
  world.deliver();
  expect([world.known, world.holder.areTold]).toEqual([MANY, true]);
});

test('where nobody answers one round goes with each look, and no more', async () => {
  const world = new World();
  for (const look of [1, 2, 3]) {
    await world.holder.look();
    for (const wait of [100, 200, 300, 400]) world.holder.tick(world.now + wait);
    expect(world.told).toBe(look * ROUND_MAX);
    world.deliver(() => true);
  }
  // Whoever says twice that it has the same is told nothing for it.
  world.holder.acknowledged(`${NAME}-1`, 0);
  world.holder.acknowledged(`${NAME}-1`, MANY + 1);
  expect(world.under).toEqual([]);
});

test('over real sockets too, after one look: no datagram is too long, and none is lost for want of room', async () => {
  const [self, other] = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'];
  const open = (from: string, to: string) =>
    openDatagrams({ port: 0, address: '127.0.0.1', key: Buffer.alloc(32, 1), self: from, other: to });
  const [near, far] = [await open(self, other), await open(other, self)];
  try {
    const world = new World();
    const heard = { near: 0, far: 0 };
    near.onMessage((data) => {
      if (data === 'hello') heard.near += 1;
      else world.holderHears(data);
    });
    far.onMessage((data) => {
      if (data === 'hello') heard.far += 1;
      else world.standbyHears(data);
    });
    near.turnTo(`127.0.0.1:${far.port}`);
    far.turnTo(`127.0.0.1:${near.port}`);
    const areAcquainted = (): boolean => {
      for (const end of [near, far]) end.send('hello');
      return heard.near > 0 && heard.far > 0;
    };
    await expect.poll(areAcquainted, { timeout: 20_000 }).toBe(true);
    world.line = { there: (message) => near.send(message), back: (message) => far.send(message) };
    await world.holder.look();
    await expect.poll(() => world.holder.areTold, { timeout: 20_000 }).toBe(true);
    expect([world.known, world.told]).toEqual([MANY, Math.ceil(MANY / ENTRIES_MAX)]);
  } finally {
    await Promise.all([near.close(), far.close()]);
  }
});
