import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeBase64url } from '../../../src/crypto/base64url.ts';
import { nodeEd25519 } from '../../../src/crypto/ed25519.ts';
import { RESULT_TYPE } from '../../../src/protocol/command.ts';
import { CLOSE } from '../../../src/protocol/frame.ts';
import { type TestAgent, TestAgents, type TestDevice, until } from '../agents.ts';

let agents: TestAgents;
let device: TestDevice;

beforeEach(async () => {
  agents = await (await TestAgents.open()).start();
  device = await agents.enrol('web1');
});
afterEach(() => agents.close());

const events = (type: string) => agents.told.filter((event) => event.type === type);

describe('a command', () => {
  test('goes to its device, signed and addressed, and its result is stored and acknowledged', async () => {
    const agent = await agents.connect(device);
    const job = await agents.run(['uname', '-a'], ['web1']);
    expect(job).toMatchObject({
      kind: 'command',
      title: 'uname -a',
      state: 'queued',
      actor: 'root',
      counts: { queued: 1 },
    });
    const claims = await agent.obey({ stdout: 'Linux web1\n', duration_ms: 7 });
    expect(claims).toMatchObject({
      verb: 'run_command',
      args: { argv: ['uname', '-a'] },
      actor: 'root',
      policy_id: job.id,
      agent_targets: [`${device.guid}/system`],
      timeout: 45,
    });
    expect(claims.exp - claims.iat).toBe(3600);
    const done = await agents.show(job.id);
    expect(done).toMatchObject({ state: 'succeeded', counts: { succeeded: 1 } });
    expect(done.targets[0]).toMatchObject({
      device: 'web1',
      state: 'succeeded',
      exit_code: 0,
      stdout: 'Linux web1\n',
      duration_ms: 7,
      value: null,
    });
    expect(done.finished_at).not.toBeNull();
    expect(events('job.target')).toHaveLength(1);
    expect(events('job.finished')[0]).toMatchObject({ message: 'uname -a: succeeded' });
  });

  test('that the agent accepted is running', async () => {
    const agent = await agents.connect(device);
    const job = await agents.run(['sleep', '9'], ['web1']);
    agent.send({ type: 'ACCEPTED', corr_id: (await agent.nextCommand()).corr_id });
    await until(async () => (await agents.show(job.id)).state === 'running');
  });

  test('waits for a device that is offline, and is sent when it connects', async () => {
    const job = await agents.run(['true'], ['web1']);
    const agent = await agents.connect(device);
    await agent.obey();
    expect(await agents.finished(job.id)).toMatchObject({ state: 'succeeded' });
  });

  test('is sent again on a new channel until it is accepted, byte for byte the same', async () => {
    const agent = await agents.connect(device);
    await agents.run(['true'], ['web1']);
    const first = await agent.next('COMMAND');
    agent.socket.terminate();
    const again = await agents.connect(device);
    const second = await again.next('COMMAND');
    expect(second.envelope).toBe(first.envelope);
  });

  test('waits in the order in which it was given; few are under way at once', async () => {
    for (let count = 0; count < 20; count++) await agents.run(['echo', String(count)], ['web1']);
    const agent = await agents.connect(device);
    await until(async () => (await agent.settled()).filter(({ type }) => type === 'COMMAND').length === 8);
    const seen: unknown[] = [];
    for (let count = 0; count < 20; count++) seen.push((await agent.obey()).args.argv);
    expect(seen).toEqual(Array.from({ length: 20 }, (_, count) => ['echo', String(count)]));
    await until(() => agents.commands.underWay === 0);
  });

  test('of one context is not given to the other', async () => {
    const user = await agents.enrol('web1', { context: 'user', guid: device.guid });
    await agents.run(['id'], ['web1'], { context: 'user' });
    const system = await agents.connect(device);
    const own = await agents.connect(user);
    expect((await own.nextCommand()).agent_targets).toEqual([`${device.guid}/user`]);
    expect((await system.settled()).some(({ type }) => type === 'COMMAND')).toBe(false);
  });

  test('that failed says how', async () => {
    const agent = await agents.connect(device);
    const job = await agents.run(['false'], ['web1']);
    await agent.obey({ state: 'failed', exit_code: 1, stderr: 'no\n' });
    expect(await agents.finished(job.id)).toMatchObject({
      state: 'failed',
      targets: [{ state: 'failed', exit_code: 1, stderr: 'no\n' }],
    });
  });

  test.each([
    ['UNKNOWN_VERB', 'failed'],
    ['EXPIRED_TOKEN', 'expired'],
  ])('that the agent refused with %s has %s', async (error_code, state) => {
    const agent = await agents.connect(device);
    const job = await agents.run(['x'], ['web1']);
    await agent.obey({ state: 'refused', exit_code: null, error_code });
    expect(await agents.finished(job.id)).toMatchObject({ state, targets: [{ state, error_code }] });
  });

  test('gets one result however often it is sent, and each time an acknowledgement', async () => {
    const agent = await agents.connect(device);
    const job = await agents.run(['true'], ['web1']);
    const { corr_id } = await agent.nextCommand();
    // Signatures are checked side by side: which of three is the first is nobody's to say.
    for (let count = 0; count < 3; count++) agent.send(agent.resultFrame(corr_id, { stdout: 'first' }));
    for (let count = 0; count < 3; count++) await agent.next('RESULT_ACK');
    agent.send(agent.resultFrame(corr_id, { stdout: 'another' }));
    await agent.next('RESULT_ACK');
    expect((await agents.show(job.id)).targets[0]!.stdout).toBe('first');
    expect(events('job.finished')).toHaveLength(1);
  });

  test('of a job that was forgotten is acknowledged, so that the agent forgets it too', async () => {
    const agent = await agents.connect(device);
    agent.send(agent.resultFrame('a-job-long-forgotten'));
    expect(await agent.next('RESULT_ACK')).toMatchObject({ corr_id: 'a-job-long-forgotten' });
  });

  test('whose result came before it was sent once more is not sent once more', async () => {
    const first = await agents.connect(device);
    await agents.run(['true'], ['web1']);
    const { corr_id } = await first.nextCommand();
    first.socket.terminate();
    const agent = await agents.dial(device);
    agent.send(agent.hello());
    await agent.next('WELCOME');
    agent.send(agent.resultFrame(corr_id));
    await agent.next('RESULT_ACK');
    // It may have crossed the result, but cannot follow the acknowledgement.
    await agent.settled();
    await agents.run(['again'], ['web1']);
    const next = await agent.nextCommand();
    if (next.corr_id === corr_id) expect((await agent.nextCommand()).args.argv).toEqual(['again']);
    else expect(next.args.argv).toEqual(['again']);
  });
});

describe('a result is acknowledged after its commit', () => {
  test('and not while the write is under way', async () => {
    const agent = await agents.connect(device);
    const job = await agents.run(['true'], ['web1']);
    const { corr_id } = await agent.nextCommand();
    await agents.event('job.created');
    let release = (): void => {};
    const held = agents.store.write(
      () =>
        new Promise<void>((resolve) => {
          release = resolve;
        }),
    );
    await until(() => release.length === 0 && agents.store.read);
    agent.send(agent.resultFrame(corr_id));
    expect((await agent.settled()).filter(({ type }) => type === 'RESULT_ACK')).toEqual([]);
    expect((await agents.show(job.id)).state).toBe('queued');
    release();
    await held;
    await agent.next('RESULT_ACK');
    expect((await agents.show(job.id)).state).toBe('succeeded');
  });

  test('and never where the store refused it; it is stored once the store takes it again', async () => {
    const agent = await agents.connect(device);
    const job = await agents.run(['true'], ['web1']);
    const { corr_id } = await agent.nextCommand();
    // What a full disk does: SQLite refuses to grow.
    await agents.store.write(async (tx) => {
      const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(tx.db);
      await sql.raw(`pragma max_page_count = ${rows[0]!.page_count}`).execute(tx.db);
    });
    agent.send(agent.resultFrame(corr_id, { stdout: 'x'.repeat(200_000) }));
    await until(() => agents.logged.some((line) => line.includes('results could not be stored')));
    agents.clock.advance(1_000);
    await expect(agents.run(['y'.repeat(100_000)], ['web1'])).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect((await agent.settled()).filter(({ type }) => type === 'RESULT_ACK')).toEqual([]);
    expect((await agents.show(job.id)).state).toBe('queued');
    await agents.store.write(async (tx) => {
      await sql.raw('pragma max_page_count = 1073741823').execute(tx.db);
    });
    expect(await agent.next('RESULT_ACK')).toMatchObject({ corr_id });
    expect((await agents.show(job.id)).targets[0]!.stdout).toHaveLength(200_000);
  });
});

describe('a forged result', () => {
  let agent: TestAgent;
  let corr_id: string;
  let job: string;
  beforeEach(async () => {
    agent = await agents.connect(device);
    job = (await agents.run(['true'], ['web1'])).id;
    corr_id = (await agent.nextCommand()).corr_id;
  });

  const refused = async (by: TestAgent) => {
    expect(await agents.event('security.alert')).toMatchObject({
      device: by.device.name,
      guid: by.device.guid,
    });
    expect((await by.settled()).filter(({ type }) => type === 'RESULT_ACK')).toEqual([]);
    expect((await agents.show(job)).state).toBe('queued');
    // The right one still counts.
    agent.send(agent.resultFrame(corr_id));
    await agent.next('RESULT_ACK');
    expect((await agents.show(job)).state).toBe('succeeded');
  };

  test('signed with the key of another device is refused, counted and told', async () => {
    agent.send(agent.resultFrame(corr_id, {}, await agents.enrol('evil')));
    await refused(agent);
    expect(agents.watch.signatureFailures).toBe(1);
  });

  test('of another device for this command is refused', async () => {
    const evil = await agents.connect(await agents.enrol('evil'));
    evil.send(evil.resultFrame(corr_id));
    await refused(evil);
  });

  test('of the other context of the same device is refused', async () => {
    const user = await agents.connect(await agents.enrol('web1', { context: 'user', guid: device.guid }));
    user.send(user.resultFrame(corr_id));
    await refused(user);
  });

  test('in the name of another device is refused', async () => {
    const other = await agents.enrol('web2');
    agent.send(agent.resultFrame(corr_id, { guid: other.guid }));
    await refused(agent);
  });

  test('with claims of another command is refused', async () => {
    const frame = agent.resultFrame('another-command-1234');
    agent.send({ ...frame, corr_id } as never);
    await refused(agent);
  });

  test('with an extra claim is refused', async () => {
    agent.send(agent.resultFrame(corr_id, { extra: 1 }));
    await refused(agent);
  });

  test('that is nested without end is refused', async () => {
    const depth = 100_000;
    const claims = JSON.stringify({ corr_id, guid: device.guid, state: 'succeeded', value: 'X' });
    const payload = claims.replace('"X"', '['.repeat(depth) + ']'.repeat(depth));
    const header = JSON.stringify({ alg: 'EdDSA', typ: RESULT_TYPE, kid: 'x' });
    const input = [header, payload].map((part) => Buffer.from(part).toString('base64url')).join('.');
    const signature = encodeBase64url(nodeEd25519.sign(Buffer.from(input), device.seed));
    agent.send({ type: 'RESULT', corr_id, envelope: `${input}.${signature}` });
    await refused(agent);
  });

  test.each(['command', 'script'])('that is an envelope of the type %s is refused', async (type) => {
    const { envelope } = agent.resultFrame(corr_id) as { envelope: string };
    const [, payload, signature] = envelope.split('.');
    const header = Buffer.from(
      JSON.stringify({ alg: 'EdDSA', typ: `borealis-${type}+jws`, kid: 'x' }),
    ).toString('base64url');
    agent.send({ type: 'RESULT', corr_id, envelope: `${header}.${payload}.${signature}` });
    await refused(agent);
  });
});

describe('expiry', () => {
  test('ends a command that no device took in time', async () => {
    const job = await agents.run(['true'], ['web1'], { ttl: 60 });
    agents.clock.advance(61_000);
    const done = await agents.finished(job.id);
    expect(done).toMatchObject({
      state: 'expired',
      targets: [{ state: 'expired', error_code: 'COMMAND_EXPIRED' }],
    });
    expect(events('job.target')[0]).toMatchObject({
      device: 'web1',
      data: { error_code: 'COMMAND_EXPIRED' },
    });
    const agent = await agents.connect(device);
    expect((await agent.settled()).some(({ type }) => type === 'COMMAND')).toBe(false);
  });

  test('ends a command that was taken and never answered, later; a late result still counts', async () => {
    const agent = await agents.connect(device);
    const job = await agents.run(['true'], ['web1'], { ttl: 60, timeout: 10 });
    const { corr_id } = await agent.nextCommand();
    agent.send({ type: 'ACCEPTED', corr_id });
    await until(async () => (await agents.show(job.id)).state === 'running');
    agent.socket.terminate();
    agents.clock.advance(65_000);
    expect((await agents.show(job.id)).state).toBe('running');
    agents.clock.advance(320_000);
    expect(await agents.finished(job.id)).toMatchObject({
      state: 'timed_out',
      targets: [{ error_code: 'TIMED_OUT' }],
    });
    const back = await agents.connect(device);
    back.send(back.resultFrame(corr_id, { stdout: 'late' }));
    await back.next('RESULT_ACK');
    expect(await agents.show(job.id)).toMatchObject({
      state: 'succeeded',
      counts: { succeeded: 1 },
      targets: [{ stdout: 'late', error_code: null }],
    });
    expect(events('job.finished')).toHaveLength(1);
  });
});

describe('a crash of the engine', () => {
  test('loses neither what was created nor what was acknowledged', async () => {
    const web2 = await agents.enrol('web2');
    const agent = await agents.connect(device);
    const job = await agents.run(['true'], ['web1', 'web2']);
    await agent.obey({ stdout: 'kept' });
    // No close: the store as a killed process leaves it.
    const after = await (await TestAgents.open(agents.directory)).start();
    try {
      expect((await after.show(job.id)).targets).toMatchObject(
        expect.arrayContaining([expect.objectContaining({ device: 'web1', stdout: 'kept' })]),
      );
      const late = await after.connect(web2);
      await late.obey();
      expect(await after.finished(job.id)).toMatchObject({ state: 'succeeded', counts: { succeeded: 2 } });
    } finally {
      await after.close({ keep: true });
    }
  });

  test('has what ran sent again, and its result taken', async () => {
    const agent = await agents.connect(device);
    const job = await agents.run(['true'], ['web1']);
    const command = await agent.nextCommand();
    agent.send({ type: 'ACCEPTED', corr_id: command.corr_id });
    await until(async () => (await agents.show(job.id)).state === 'running');
    const after = await (await TestAgents.open(agents.directory)).start();
    try {
      const back = await after.connect(device);
      expect(await back.nextCommand()).toEqual(command);
      back.send(back.resultFrame(command.corr_id));
      await back.next('RESULT_ACK');
      expect(await after.finished(job.id)).toMatchObject({ state: 'succeeded' });
    } finally {
      await after.close({ keep: true });
    }
  });

  test('expires what expired meanwhile', async () => {
    const job = await agents.run(['true'], ['web1'], { ttl: 1 });
    agents.clock.advance(2_000);
    await agents.channels.close();
    const after = await TestAgents.open(agents.directory);
    after.clock.advance(2_000);
    await after.start();
    try {
      expect(await after.finished(job.id)).toMatchObject({ state: 'expired' });
    } finally {
      await after.close({ keep: true });
    }
  });
});

describe('a device that was cut off', () => {
  test('gets its commands when it is back in good standing', async () => {
    const agent = await agents.connect(device);
    agents.channels.disconnect(device.guid, CLOSE.forbidden, 'DEVICE_QUARANTINED');
    await agent.closed;
    await agents.run(['true'], ['web1']);
    await (await agents.connect(device)).obey();
  });
});
