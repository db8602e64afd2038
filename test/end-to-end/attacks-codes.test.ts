/** Enrolment codes that do not count (any more): each is tried by a real agent at a real engine. */
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newEnrolmentCode } from '../../src/crypto/secret-code.ts';
import { RawAgent } from '../daemon/raw-agent.ts';
import { Place, type Process } from '../lab/processes.ts';

let place: Place;
let engine: Process;
beforeEach(async () => {
  place = new Place();
  engine = await place.startEngine();
});
afterEach(() => place.dispose());

/** The error code with which `enroll` ended. */
const refusal = async (name: string, link: string): Promise<string> => {
  const { code, stdout } = await place.agent(name, ['enroll', '-', '--json'], {}, link).finished;
  expect(code).not.toBe(0);
  return (JSON.parse(stdout) as { error: { code: string } }).error.code;
};

test('an expired, a used up and a revoked code are refused, each by its name', async () => {
  const expiring = await place.code({ expires_in: 60 });
  const used = await place.code({ auto_approve: true });
  const revoked = await place.code();
  const first = new RawAgent(used.link);
  await first.enrol();
  await place.client.call('code.revoke', { code: revoked.id });
  expect(await refusal('second', used.link)).toBe('CODE_USED_UP');
  expect(await refusal('third', revoked.link)).toBe('CODE_REVOKED');

  // An hour later, without waiting for it.
  const address = await place.agentAddress();
  await engine.kill('SIGTERM');
  const store = new BetterSqlite3(place.path('engine', 'borealis.db'));
  store.prepare('update enrolment_code set expires_at = ? where id = ?').run(Date.now() - 1, expiring.id);
  store.close();
  await place.startEngine(['--listen', address]);
  expect(await refusal('fourth', expiring.link)).toBe('CODE_EXPIRED');

  expect(await place.client.call('approval.list', {})).toEqual([]);
  expect(await place.client.all('device.list', {})).toHaveLength(1);
});

test('guessing: forty a minute are answered, then none, and operators hear of it', async () => {
  const real = await place.code();
  const guess = (): RawAgent => new RawAgent(real.link.replace(real.code, newEnrolmentCode()));
  const codes: (string | undefined)[] = [];
  for (let n = 0; n < 45; n++) codes.push((await guess().request()).code);
  expect(codes).toEqual([...Array(40).fill('CODE_INVALID'), ...Array(5).fill('RATE_LIMITED')]);
  // Whoever guesses right in that minute is not told so.
  expect(await new RawAgent(real.link).request()).toMatchObject({ status: 429, code: 'RATE_LIMITED' });
  const alert = await place.event('security.alert');
  expect(alert).toMatchObject({ data: { code: 'CODE_INVALID', address: '127.0.0.1' } });
  expect(await refusal('device', real.link)).toBe('RATE_LIMITED');
});

test('one machine asks twelve times a minute, wherever it asks from', async () => {
  const { link } = await place.code({ uses: 100 });
  const ask = async () => (await new RawAgent(link, { hostname: 'one-machine' }).request()).code;
  const codes: (string | undefined)[] = [];
  for (let n = 0; n < 14; n++) codes.push(await ask());
  expect(codes).toEqual([...Array(12).fill(undefined), 'RATE_LIMITED', 'RATE_LIMITED']);
});

test('eight agents at once with a code for one: one is enrolled', async () => {
  const { link, id } = await place.code({ auto_approve: true });
  const agents = Array.from({ length: 8 }, () => new RawAgent(link));
  const replies = await Promise.all(agents.map((agent) => agent.request()));
  expect(replies.map((reply) => reply.code ?? 'taken').sort()).toEqual([
    ...Array(7).fill('CODE_USED_UP'),
    'taken',
  ]);
  const enrolments = await Promise.allSettled(
    agents.filter((agent) => agent.asked).map((agent) => agent.enrol()),
  );
  expect(enrolments.map(({ status }) => status)).toEqual(['fulfilled']);
  expect(await place.client.all('device.list', {})).toHaveLength(1);
  const codes = await place.client.call('code.list', { all: true });
  expect(codes.find((code) => code.id === id)).toMatchObject({ uses_left: 0, state: 'used_up' });
});

test('approve and deny at once: one of the two counts, and the agent is told that one', async () => {
  const { link } = await place.code({ uses: 20 });
  for (let round = 0; round < 5; round++) {
    const agent = new RawAgent(link);
    await agent.request();
    const approval = agent.asked!.request_id;
    const decisions = [
      ...Array.from({ length: 3 }, () => place.client.call('approval.approve', { approval })),
      ...Array.from({ length: 3 }, () => place.client.call('approval.deny', { approval })),
    ];
    const settled = await Promise.allSettled(decisions);
    const counted = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value.state] : []));
    expect(counted).toHaveLength(1);
    const refused = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []));
    expect(new Set(refused)).toEqual(new Set(['APPROVAL_DECIDED']));
    expect((await agent.poll()).body.state).toBe(counted[0]);
  }
});
