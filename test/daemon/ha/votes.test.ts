/** The engine's vote: to the two of a pair, in their own names, to one at a time; and who may tell of switches. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LEASE } from '../../../src/ha/voter.ts';
import { until } from '../agents.ts';
import { HaPlace, type Node, OFFICE } from './place.ts';

let place: HaPlace;
let one: Node;
let two: Node;
beforeEach(async () => {
  place = await HaPlace.open();
  [one, two] = await place.pair();
  // What an engine before this one may have promised is over.
  place.agents.clock.advance(LEASE.promise);
});
afterEach(() => place.close());

const alerts = () => place.agents.told.filter(({ type }) => type === 'security.alert');
const alerted = (says: string) =>
  place.agents.event('security.alert', ({ message }) => message.includes(says));

describe('a vote', () => {
  test('is promised to one, and to the other one when that is over', async () => {
    one.ask(1);
    expect(await one.granted()).toBe(true);
    two.ask(1);
    expect(await two.granted()).toBe(false);
    place.agents.clock.advance(LEASE.promise);
    two.ask(2);
    expect(await two.granted()).toBe(true);
  });

  test('says to whom it is promised, and as whom the engine answers', async () => {
    one.ask(1);
    await one.granted();
    two.ask(1, { firm: false });
    expect(await two.agent.next('BASTION_VOTE')).toEqual({
      type: 'BASTION_VOTE',
      service: OFFICE,
      from: 'witness',
      message: {
        kind: 'answer',
        question: 1,
        firm: false,
        granted: false,
        holder: `${one.guid}/AAAAAAAAAAAA`,
      },
    });
  });

  test('is given back by its holder alone', async () => {
    one.ask(1);
    await one.granted();
    const release = { kind: 'release', question: 9 };
    two.agent.send({
      type: 'BASTION_VOTE',
      service: OFFICE,
      from: `${two.guid}/AAAAAAAAAAAA`,
      message: release,
    });
    two.ask(10);
    expect(await two.granted()).toBe(false);
    one.agent.send({
      type: 'BASTION_VOTE',
      service: OFFICE,
      from: `${one.guid}/AAAAAAAAAAAA`,
      message: release,
    });
    await one.agent.settled();
    two.ask(11);
    expect(await two.granted()).toBe(true);
  });

  test('is waited for by who comes after an engine that was killed', async () => {
    one.ask(1);
    await one.granted();
    const { directory } = place.agents;
    await place.close({ keep: true });
    place = await HaPlace.open(directory);
    const again = await place.node(two.device);
    again.ask(1);
    expect(await again.granted()).toBe(false);
    place.agents.clock.advance(LEASE.promise);
    again.ask(2);
    expect(await again.granted()).toBe(true);
  });
});

describe('a device that lies', () => {
  test('gets no vote in the name of the other node, and frees nothing in its name', async () => {
    one.ask(1);
    await one.granted();
    const forged = `${one.guid}/AAAAAAAAAAAA`;
    two.agent.send({
      type: 'BASTION_VOTE',
      service: OFFICE,
      from: forged,
      message: { kind: 'release', question: 99 },
    });
    two.ask(100, { from: forged });
    expect(await two.granted()).toBeUndefined();
    two.ask(1);
    expect(await two.granted()).toBe(false);
    expect(await alerted('in the name of another')).toMatchObject({ guid: two.guid });
    // Its questions did not make those of the true one old.
    one.ask(2);
    expect(await one.granted()).toBe(true);
  });

  test('gets no vote for the engine’s own name', async () => {
    two.ask(1, { from: 'witness' });
    expect(await two.granted()).toBeUndefined();
  });

  test('that is of no pair gets no vote for it, and nobody hears how it is', async () => {
    const stranger = await place.enrolled('stranger');
    stranger.ask(1);
    expect(await stranger.granted()).toBeUndefined();
    expect(await alerted('which is not its own')).toMatchObject({ guid: stranger.guid });
    stranger.state({ role: 'holder' });
    await stranger.agent.settled();
    expect(await place.call('ha.show', { vpn: 'office' })).toMatchObject({ holder: 'one', state: 'ok' });
  });

  test('gets no vote for a service that is none, nor from its user’s agent', async () => {
    one.ask(1, { service: 'otherservice' });
    expect(await one.granted()).toBeUndefined();
    const user = await place.node(await place.agents.enrol('one', { context: 'user', guid: one.guid }));
    user.ask(1);
    expect(await user.granted()).toBeUndefined();
    expect(alerts()).toEqual([]);
  });

  test('tells of no switch to another device, from a third one, or of another pair', async () => {
    const stranger = await place.enrolled('stranger');
    stranger.switched('a');
    two.switched('b', { to: one.guid });
    two.switched('c', { from: stranger.guid });
    const frames = [...(await stranger.agent.settled()), ...(await two.agent.settled())];
    expect(frames.filter(({ type }) => type === 'BASTION_SEEN')).toEqual([]);
    expect(await place.call('ha.history', { vpn: 'office' })).toEqual([]);
    await alerted('that are not its own');
  });

  test.each([
    '203.0.113.66:47002',
    '192.0.2.1:53',
    '192.0.2.10:47002',
    '[2001:db8::1]:47002',
    '999.0.2.1:47002',
  ])('turns nobody’s votes to %s, where no node of the pair can be', async (endpoint) => {
    const told = place.told.length;
    two.state({ endpoint });
    await two.agent.settled();
    expect(place.told.length).toBe(told);
    expect((await place.call('ha.show', { vpn: 'office' })).nodes[1]).toMatchObject({
      endpoint: '192.0.2.2:47002',
    });
  });

  test('fills neither memory nor disk: of its places and switches a few a minute are kept', async () => {
    for (let n = 0; n < 60; n++) two.state({ endpoint: `192.0.2.${100 + n}:47002` });
    await two.agent.settled();
    expect(place.told.length).toBeLessThan(30);
    for (let round = 0; round < 6; round++) {
      const switches = Array.from({ length: 64 }, (_, n) => ({
        id: `${round} ${n}`,
        at: new Date().toISOString(),
        reason: 'lost' as const,
        from: one.guid,
        to: two.guid,
        gap_ms: 1,
        clients: 0,
        back: 0,
      }));
      // As an older agent does, that does not say what time it is there.
      two.agent.send({ type: 'BASTION_SWITCHES', service: OFFICE, switches });
      await two.agent.next('BASTION_SEEN');
    }
    expect(await place.call('ha.history', { vpn: 'office', limit: 1_000 })).toHaveLength(256);
    expect(place.ha.pairs.get(OFFICE)!.recentSwitches(Date.now())).toHaveLength(64);
  });

  test('that was shut out gets no vote more, and the other one another key', async () => {
    const key = place.told.at(-1)?.[0]?.ha.key;
    const told = place.told.length;
    await place.agents.store.write(async (tx) => {
      await tx.db.updateTable('device').set({ state: 'quarantined' }).where('guid', '=', one.guid).execute();
      await place.agents.events.record(tx, {
        type: 'device.quarantined',
        message: 'one is quarantined',
        device: { guid: one.guid, name: 'one' },
      });
    });
    await until(() => place.told.length > told);
    expect(place.told.at(-1)?.map(({ guid }) => guid)).toEqual([two.guid]);
    expect(place.told.at(-1)?.[0]?.ha.key).not.toBe(key);
    one.ask(1);
    expect(await one.granted()).toBeUndefined();
    expect(await place.call('ha.show', { vpn: 'office' })).toMatchObject({ state: 'degraded' });
  });
});

test('a device that was shut out when the engine was killed is heard by the other one no more, either', async () => {
  const key = place.told.at(-1)?.[0]?.ha.key;
  const { store } = place.agents;
  // Whoever would have been told of it was not there any more.
  await store.write(({ db }) =>
    db.updateTable('device').set({ state: 'revoked' }).where('guid', '=', one.guid).execute(),
  );
  const { directory } = place.agents;
  await place.close({ keep: true });
  place = await HaPlace.open(directory);
  const nodes = place.ha.pairs.nodesOf(OFFICE);
  expect(nodes?.map(({ guid }) => guid)).toEqual([two.guid]);
  expect(nodes?.[0]?.ha.key).not.toBe(key);
});

describe('a switch', () => {
  test('is kept once, however often it is told, and acknowledged each time', async () => {
    for (let times = 0; times < 3; times += 1) {
      two.switched('first-switch', { from: one.guid });
      expect(await two.agent.next('BASTION_SEEN')).toMatchObject({ service: OFFICE, ids: ['first-switch'] });
    }
    expect(await place.call('ha.history', { vpn: 'office' })).toEqual([
      expect.objectContaining({ id: 'first-switch', reason: 'lost', from: 'one', to: 'two', gap_ms: 2_345 }),
    ]);
    const told = place.agents.told.filter(({ type }) => type === 'ha.switched');
    expect(told).toHaveLength(1);
    expect(told[0]?.message).toBe(
      'The address of office went from one to two, after 2345 ms: that one was heard no more',
    );
  });

  test('back to whoever had it is told as that', async () => {
    two.switched('back', { from: two.guid, gap_ms: 764 });
    await two.agent.next('BASTION_SEEN');
    expect(place.agents.told.find(({ type }) => type === 'ha.switched')?.message).toBe(
      'The address of office came back to two, after 764 ms: nobody had it meanwhile',
    );
  });

  test('is listed newest first; none is of a time to come', async () => {
    const at = (ms: number) => new Date(place.agents.clock.now() + ms).toISOString();
    two.switched('old', { at: at(-60_000) });
    two.switched('of-a-clock-that-is-wrong', { at: at(86_400_000) });
    await two.agent.next('BASTION_SEEN');
    await two.agent.next('BASTION_SEEN');
    const history = await place.call('ha.history', { vpn: 'office' });
    expect(history.map(({ id }) => id)).toEqual(['of-a-clock-that-is-wrong', 'old']);
    expect(Date.parse(history[0]!.at)).toBeLessThanOrEqual(place.agents.clock.now());
    expect(await place.call('ha.history', { vpn: 'office', limit: 1 })).toHaveLength(1);
  });

  test('has the time of the engine’s clock, whatever the device’s says', async () => {
    const HOUR = 3_600_000;
    for (const [id, ahead] of Object.entries({ ahead: HOUR, behind: -HOUR, right: 0 })) {
      place.agents.clock.advance(1_000);
      two.switched(id, {}, ahead);
      await two.agent.next('BASTION_SEEN');
    }
    const history = await place.call('ha.history', { vpn: 'office' });
    expect(history.map(({ id }) => id)).toEqual(['right', 'behind', 'ahead']);
    for (const { at } of history)
      expect(Math.abs(place.agents.clock.now() - Date.parse(at))).toBeLessThan(HOUR);
  });

  test('that came while the engine’s clock was ahead is the last one only until there is another', async () => {
    const last = async (): Promise<unknown> => (await place.call('ha.show', { vpn: 'office' })).last_switch;
    place.agents.clock.set(3_600_000);
    for (const id of ['first', 'second', 'third']) {
      two.switched(id, { reason: 'lost' });
      await two.agent.next('BASTION_SEEN');
    }
    place.agents.clock.set(-3_600_000);
    two.switched('after', { reason: 'planned' });
    await two.agent.next('BASTION_SEEN');
    expect(await last()).toMatchObject({ reason: 'planned' });
    const history = await place.call('ha.history', { vpn: 'office' });
    expect(history[0]?.id).toBe('after');
    expect(history).toHaveLength(4);
    for (const { at } of history) expect(Date.parse(at)).toBeLessThanOrEqual(place.agents.clock.now());
    const { directory } = place.agents;
    await place.close({ keep: true });
    place = await HaPlace.open(directory);
    expect(await last()).toMatchObject({ reason: 'planned' });
  });

  test('of a pair that is no more is acknowledged, so that it is told no longer', async () => {
    await place.call('ha.disable', { vpn: 'office' });
    two.switched('late');
    expect(await two.agent.next('BASTION_SEEN')).toMatchObject({ ids: ['late'] });
  });
});
