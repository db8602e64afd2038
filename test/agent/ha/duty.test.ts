/** What a node does with the floating address, beside who may have it (test/ha/lease.test.ts). */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { NORTH, type Node, Pair, SOUTH } from './pair.ts';

const has = (node: Node) =>
  vi.waitFor(() => expect(node.address.isHere()).toBe(true), { timeout: 10_000, interval: 5 });

describe('a pair', () => {
  let pair: Pair;
  beforeEach(() => {
    pair = new Pair();
  });
  afterEach(() => pair.close());

  test('the preferred node has it first, announces it, and says so to the engine', async () => {
    const { north, south } = pair;
    pair.begin();
    await has(north);
    await vi.waitFor(() =>
      expect(north.history).toMatchObject([{ reason: 'first', from: null, to: NORTH, gap_ms: null }]),
    );
    expect(north.address.announced).toBeGreaterThan(0);
    expect(north.duty.state).toMatchObject({
      role: 'holder',
      other_heard: true,
      endpoint: '192.0.2.1:51899',
    });
    expect(south.duty.state).toMatchObject({ role: 'standby', other_heard: true });
    expect(south.history).toEqual([]);
  });

  test('clients that one served alone before are called by it when it is the first to have the address', async () => {
    const { north, south, clients } = pair;
    const [client] = clients;
    north.seenBefore = south.seenBefore = new Map([[client!.publicKey, client!.endpoint]]);
    pair.begin();
    await has(north);
    await vi.waitFor(() => expect(north.history).toMatchObject([{ reason: 'first', clients: 1, back: 1 }]));
    expect([...north.called]).toEqual([[client!.publicKey, client!.endpoint]]);
    expect(south.called.size).toBe(0);
  });

  test('how many clients are known is told when it is another number, by both', async () => {
    const { north, south, clients } = pair;
    pair.begin();
    await has(north);
    const soon = { timeout: 10_000 };
    await vi.waitFor(() => expect([north.counts.at(-1), south.counts.at(-1)]).toEqual([3, 3]), soon);
    clients.pop();
    await vi.waitFor(() => expect([north.counts.at(-1), south.counts.at(-1)]).toEqual([2, 2]), soon);
  });

  test('one that begins anew and was told of no client yet calls those whom the one before it knew', async () => {
    const { north, south, clients } = pair;
    pair.begin();
    await has(north);
    const soon = { timeout: 10_000 };
    await vi.waitFor(() => expect(south.seenBefore.size).toBe(3), soon);
    await south.duty.close();
    north.line.loses = 'peers';
    south.begin();
    await vi.waitFor(() => expect(south.duty.state.other_heard).toBe(true), soon);
    north.line.cut = true;
    north.toEngine = false;
    await has(south);
    await vi.waitFor(() => expect(south.history.at(-1)).toMatchObject({ from: NORTH, clients: 3, back: 3 }));
    expect([...south.called.keys()].sort()).toEqual(clients.map(({ publicKey }) => publicKey).sort());
  });

  test('whoever was removed just before is neither called nor waited for', async () => {
    const { north, south, clients } = pair;
    pair.begin();
    await has(north);
    await vi.waitFor(() => expect(south.duty.state.endpoints).toBe(3), { timeout: 10_000 });
    // The one that has the address cannot tell it any more.
    north.line.cut = true;
    north.toEngine = false;
    const removed = clients.pop();
    await has(south);
    await vi.waitFor(() => expect(south.history).toMatchObject([{ reason: 'lost', clients: 2, back: 2 }]), {
      timeout: 10_000,
    });
    expect(south.called.has(removed!.publicKey)).toBe(false);
  });

  test('is handed over with all that the other one must know, and at no time two have it', async () => {
    const { north, south } = pair;
    pair.begin();
    await has(north);
    await vi.waitFor(() => expect(south.duty.state.endpoints).toBe(3), { timeout: 5_000 });
    await north.duty.give('planned');
    expect(north.address.isHere()).toBe(false);
    await has(south);
    await vi.waitFor(() =>
      expect(south.history).toMatchObject([
        { reason: 'planned', from: NORTH, to: SOUTH, clients: 3, back: 3 },
      ]),
    );
    expect([...south.called]).toEqual(pair.clients.map(({ publicKey, endpoint }) => [publicKey, endpoint]));
    expect(pair.holders).toEqual([south]);
    expect(north.cleared).toBeGreaterThan(1);
  });

  test('where clients went is known at each change of hands, also to a node that had it before', async () => {
    const { north, south, clients } = pair;
    pair.begin();
    await has(north);
    for (const [turn, [from, to]] of [
      [north, south],
      [south, north],
      [north, south],
    ].entries()) {
      const moved = { ...clients[0]!, endpoint: `198.51.100.99:${5_000 + turn}` };
      clients[0] = moved;
      await vi.waitFor(async () => {
        await from!.duty.give('planned');
        expect(from!.duty.isHolder).toBe(false);
      });
      await has(to!);
      await vi.waitFor(() => expect(to!.called.get(moved.publicKey)).toBe(moved.endpoint));
      expect(to!.called.size).toBe(3);
      await vi.waitFor(() => expect(from!.duty.state.other_heard).toBe(true));
    }
  });

  test('each says by how much its clock is behind the other one’s, and no more when they are in step', async () => {
    const { north, south } = pair;
    pair.begin();
    await has(north);
    north.clockAhead = 7_000;
    await vi.waitFor(() => expect(south.duty.state.clock_behind).toBe(7));
    expect(north.duty.state.clock_behind).toBe(0);
    north.clockAhead = 0;
    await vi.waitFor(() => expect(south.duty.state.clock_behind).toBe(0));
    expect(pair.holders).toEqual([north]);
  });

  test('a node that stops in order gives it away first', async () => {
    const { north, south } = pair;
    pair.begin();
    await has(north);
    await vi.waitFor(() => expect(north.duty.state.other_heard).toBe(true));
    await north.duty.close();
    await has(south);
    await vi.waitFor(() =>
      expect(south.history).toMatchObject([{ reason: 'stopped', from: NORTH, to: SOUTH }]),
    );
  });

  test('is taken by the other one when its holder is cut off, whose own is gone by then', async () => {
    const { north, south } = pair;
    pair.begin();
    await has(north);
    await vi.waitFor(() => expect(south.duty.state.endpoints).toBe(3), { timeout: 5_000 });
    north.line.cut = true;
    south.line.cut = true;
    north.toEngine = false;
    await has(south);
    expect(pair.holders).toEqual([south]);
    await vi.waitFor(() => expect(south.history).toMatchObject([{ reason: 'lost', from: NORTH, back: 3 }]));
    expect(south.history[0]?.gap_ms).toBeGreaterThan(0);
    await vi.waitFor(() => expect(north.duty.isHolder).toBe(false));
    // It comes back and stays what it is now.
    north.line.cut = false;
    south.line.cut = false;
    north.toEngine = true;
    await vi.waitFor(() => expect(north.duty.state).toMatchObject({ role: 'standby', other_heard: true }), {
      timeout: 5_000,
    });
    expect(pair.holders).toEqual([south]);
  });

  test('stays with its holder when the other one is shut out, and is never given to that one', async () => {
    const { north, south } = pair;
    pair.begin();
    await has(north);
    await vi.waitFor(() => expect(north.duty.state.other_heard).toBe(true));
    const heldUntil = north.address.until;
    north.duty.rekey('another');
    expect(north.duty.state.other_heard).toBe(false);
    await expect(north.duty.give('planned')).rejects.toThrow(/not heard/);
    await vi.waitFor(() => expect(north.address.until).toBeGreaterThan(heldUntil + 2_000), {
      timeout: 10_000,
    });
    expect(pair.holders).toEqual([north]);
    // It stops: whoever was shut out hears nothing of that.
    south.toEngine = false;
    await north.duty.close();
    expect(pair.holders).toEqual([]);
    expect(south.history).toEqual([]);
  });

  test('is not had while who was shut out may have it still, by what was promised before', async () => {
    const { north, south } = pair;
    pair.begin();
    await has(north);
    await vi.waitFor(() => expect(south.duty.state.other_heard).toBe(true));
    north.toEngine = false;
    south.duty.rekey('another');
    await has(south);
    expect(pair.holders).toEqual([south]);
  });

  test('stays where it is while the engine is gone', async () => {
    const { north, south } = pair;
    pair.begin();
    await has(north);
    north.toEngine = false;
    south.toEngine = false;
    const heldUntil = north.address.until;
    await vi.waitFor(() => expect(north.address.until).toBeGreaterThan(heldUntil + 3_000), {
      timeout: 10_000,
    });
    expect(pair.holders).toEqual([north]);
    expect(south.history).toEqual([]);
  });

  test('a stranger who answers for it keeps it from being taken, and is told of', async () => {
    const { north, south } = pair;
    north.address.stranger = '02:00:00:00:00:99';
    pair.begin();
    await has(south);
    expect(north.duty.state).toMatchObject({ role: 'conflict', stranger: '02:00:00:00:00:99' });
    expect(pair.holders).toEqual([south]);
  });

  test('an answer of the other node for it is no stranger', async () => {
    const { north, south } = pair;
    south.address.stranger = north.address.ownHardwareAddress;
    pair.begin();
    await has(north);
    await vi.waitFor(() => expect(south.duty.state).toMatchObject({ role: 'standby', other_heard: true }));
  });

  test('a standby that is behind does not take it, and is not given it', async () => {
    const { north, south } = pair;
    north.revision = 2;
    pair.begin();
    await has(north);
    await vi.waitFor(() => expect(south.duty.state.role).toBe('behind'));
    await expect(north.duty.give('planned')).rejects.toThrow(/newest connections/);
    expect(pair.holders).toEqual([north]);
    south.revision = 2;
    await vi.waitFor(() => expect(south.duty.state.role).toBe('standby'));
    await vi.waitFor(() => north.duty.give('planned'), { timeout: 5_000 });
    await has(south);
  });

  test('an answer before the other one has said who it is raises no alarm', async () => {
    const { north, south } = pair;
    pair.begin();
    await has(north);
    await south.duty.close();
    south.address.stranger = north.address.ownHardwareAddress;
    const said: unknown[] = [];
    south.begin();
    await vi.waitFor(
      () => {
        said.push(south.duty.state.role);
        expect(south.duty.state.other_heard).toBe(true);
      },
      { timeout: 5_000, interval: 5 },
    );
    expect(new Set(said)).toEqual(new Set(['standby']));
  });

  test('a node that cannot get rid of it frees nobody to take it', async () => {
    const { north, south } = pair;
    pair.begin();
    await has(north);
    await vi.waitFor(() => expect(north.duty.state.other_heard).toBe(true));
    north.address.stuck = true;
    await expect(north.duty.give('planned')).rejects.toThrow(/no such device/);
    expect(south.duty.isHolder).toBe(false);
    await expect(north.duty.close()).rejects.toThrow(/no such device/);
    // Gone by the kernel's hand first.
    await has(south);
    expect(pair.holders).toEqual([south]);
    north.address.stuck = false;
  });

  test('nobody is given it who is not heard', async () => {
    const { north } = pair;
    north.begin();
    await has(north);
    await expect(north.duty.give('planned')).rejects.toThrow(/not heard/);
    expect(pair.holders).toEqual([north]);
  });

  test('a node whose interface takes no address gives it up, and says so', async () => {
    const { north, south } = pair;
    north.address.broken = true;
    pair.begin();
    await has(south);
    expect(north.duty.state.role).toBe('failed');
    expect(north.history).toEqual([]);
  });
});
