import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Recording, Shell, ShellNotice } from '../../../src/protocol/shell.ts';
import { STREAM_CLOSE } from '../../../src/protocol/stream.ts';
import { until } from '../agents.ts';
import type { Typist } from '../api/typist.ts';
import { problem } from '../engine.ts';
import { GUID, ShellLab } from './lab.ts';

let lab: ShellLab;
beforeEach(async () => {
  lab = await ShellLab.open();
});
afterEach(() => lab.close());

const notice = (typist: Typist, type: ShellNotice['type']): Promise<ShellNotice> =>
  typist.notice<ShellNotice>(type);
const text = (typist: Typist, wanted: string): Promise<void> =>
  typist.until(() => typist.text.includes(wanted));

describe('a shell', () => {
  test('is started through the tunnel, with a token for it alone, and is on record', async () => {
    const shell = await lab.create({ cols: 100, rows: 30, term: 'screen' }, 'olaf');
    expect(shell).toMatchObject({
      device: 'web1',
      guid: GUID,
      user: 'root',
      started_by: 'olaf',
      state: 'running',
      cols: 100,
      rows: 30,
      recorded: true,
      viewers: [],
    });
    expect(lab.tunnels.opened).toMatchObject([{ uid: 4_712, user: 'olaf' }]);
    const { claims } = lab.agent.tokens[0]!;
    expect(claims).toMatchObject({
      purpose: 'shell',
      shell_id: shell.id,
      actor: 'olaf',
      agent_targets: [`${GUID}/system`],
      tunnel_id: lab.tunnels.current(GUID)!.tunnelId,
      user: null,
      term: 'screen',
      record_input: false,
    });
    expect(claims.exp - claims.iat).toBe(60);
    expect(await lab.audit()).toMatchObject([{ actor: 'olaf', action: 'shell.create', target: 'web1' }]);
    expect(lab.told).toMatchObject([{ type: 'shell.started', guid: GUID, data: { shell: shell.id } }]);
    expect((await lab.call<Shell[]>('GET', '/shells')).body).toEqual([shell]);
  });

  test('is seen from its screen on, and typed into', async () => {
    const { id } = await lab.create();
    lab.agent.shell.print('prompt$ ');
    const typist = await lab.attach(id);
    const attached = await notice(typist, 'attached');
    expect(attached).toMatchObject({ read_only: false, shell: { id, viewers: [{ user: 'root' }] } });
    expect(String(await typist.next())).toBe('<prompt$ >');
    typist.type('ls\r');
    await text(typist, 'ls\r');
    expect(lab.agent.shell.typed).toEqual(['ls\r']);
    await typist.close();
    await lab.event('shell.viewers', ({ data }) => data.change === 'left');
    // It lives on.
    lab.agent.shell.print('later');
    const again = await lab.attach(id.slice(0, 5));
    await text(again, 'later');
    expect((await lab.audit()).map(({ action }) => action)).toEqual([
      'shell.create',
      'shell.attach',
      'shell.attach',
    ]);
  });

  test('ends with its program: viewers, store, events and recording say so', async () => {
    const { id } = await lab.create();
    const typist = await lab.attach(id);
    lab.agent.shell.print('bye\r\n');
    lab.agent.shell.exit(3);
    expect(await notice(typist, 'ended')).toEqual({ type: 'ended', exit_code: 3, signal: null });
    expect((await typist.closed).code).toBe(STREAM_CLOSE.done);
    expect(typist.text).toContain('bye');
    expect(await lab.event('shell.ended')).toMatchObject({ guid: GUID, data: { exit_code: 3 } });
    expect((await lab.call<Shell[]>('GET', '/shells')).body).toEqual([]);
    expect(await lab.session(id)).toMatchObject({
      id,
      state: 'complete',
      exit_code: 3,
      user: 'root',
      input_recorded: false,
    });
    expect(await lab.recorded(id)).toBe('bye\r\n');
    expect(problem(await lab.knock(id).refused)).toMatchObject({ status: 409, code: 'SHELL_ENDED' });
    // The agent may forget it: everything is stored.
    await until(() => lab.agent.shell.acked === lab.agent.shell.end);
  });

  test('that is not there, or whose prefix several have, is told', async () => {
    expect(problem(await lab.knock('aaaaaaaa').refused).code).toBe('SHELL_NOT_FOUND');
    expect(problem(await lab.call('DELETE', '/shells/aaaaaaaa')).code).toBe('SHELL_NOT_FOUND');
    expect(problem(await lab.call('POST', '/shells', { device: 'web9' })).code).toBe('DEVICE_NOT_FOUND');
  });

  test('that the agent refuses leaves nothing behind', async () => {
    lab.agent.refusal = 'UNKNOWN_USER';
    const answer = await lab.call('POST', '/shells', { device: 'web1', user: 'nobody1' });
    expect(problem(answer)).toMatchObject({ status: 404, code: 'UNKNOWN_USER' });
    expect(lab.files).toEqual([]);
    expect(await lab.store.read.selectFrom('shell').selectAll().execute()).toEqual([]);
    expect((await lab.call<Recording[]>('GET', '/sessions')).body).toEqual([]);
    expect(lab.told).toEqual([]);
  });

  test('whose tunnel cannot be had is not started', async () => {
    lab.tunnels.failing = true;
    expect(problem(await lab.call('POST', '/shells', { device: 'web1' })).code).toBe('TUNNEL_FAILED');
    expect(lab.files).toEqual([]);
  });

  test('is killed: asked first, then made to', async () => {
    const { id } = await lab.create();
    const answer = await lab.call<Shell>('DELETE', `/shells/${id}`, undefined, 'olaf');
    expect(answer.body).toMatchObject({ id, state: 'ended', exit_code: null });
    expect(lab.agent.shell.kills).toEqual(['SIGHUP']);
    expect(await lab.audit()).toContainEqual(
      expect.objectContaining({ actor: 'olaf', action: 'shell.kill', target: 'web1' }),
    );
  });

  test('tells the title that its program set, with nothing in it that moves a cursor', async () => {
    const { id } = await lab.create();
    lab.agent.shell.print('\x1b]0;vim \x01a\u202eb');
    lab.agent.shell.print('.txt\x07');
    const shown = await until(async () => {
      const [shell] = (await lab.call<Shell[]>('GET', '/shells')).body;
      return shell?.title ? shell : undefined;
    });
    expect(shown).toMatchObject({ id, title: 'vim  a b.txt' });
  });
});

describe('several viewers', () => {
  test('see the same, know of each other, and the one who typed last has the size', async () => {
    const { id } = await lab.create({ cols: 80, rows: 24 });
    const one = await lab.attach(id, 'root', '?cols=90&rows=25');
    expect(await notice(one, 'attached')).toMatchObject({ shell: { cols: 90, rows: 25 } });
    const two = await lab.attach(id, 'olaf', '?cols=120&rows=40');
    expect(await notice(one, 'resized')).toMatchObject({ cols: 120, rows: 40 });
    one.type('x');
    expect(await notice(two, 'resized')).toMatchObject({ cols: 90, rows: 25 });
    await text(two, 'x');
    two.ask({ type: 'resize', cols: 100, rows: 50 });
    await until(() => lab.agent.shell.size.cols === 100);
    const [shell] = (await lab.call<Shell[]>('GET', '/shells')).body;
    expect(shell!.viewers.map(({ user, read_only }) => [user, read_only])).toEqual([
      ['root', false],
      ['olaf', false],
    ]);
    await two.close();
    const left = (): boolean =>
      one.messages.some((message) => {
        const said = message as ShellNotice;
        return !Buffer.isBuffer(message) && said.type === 'viewers' && said.viewers.length === 1;
      });
    await one.until(left);
    expect(await lab.recorded(id, 'r')).toBe('90x25120x4090x25100x50');
  });

  test('one that reads too slowly holds up nobody, and gets a screen when it has read', async () => {
    const { id } = await lab.create();
    const fast = await lab.attach(id);
    const slow = await lab.attach(id);
    slow.ws.pause();
    const screens = lab.agent.shell.screens;
    const line = `${'x'.repeat(1_022)}\r\n`;
    let printed = 0;
    const LOTS = 12 * 1_048_576;
    while (printed < LOTS) {
      lab.agent.shell.print(line.repeat(256));
      printed += line.length * 256;
      const seen = printed;
      await fast.until(
        () => fast.messages.reduce<number>((sum, m) => sum + (Buffer.isBuffer(m) ? m.length : 0), 0) >= seen,
      );
      lab.agent.shell.forget(0);
    }
    lab.agent.shell.print('the end');
    slow.ws.resume();
    await slow.until(() => lab.agent.shell.screens > screens && /the end>?$/.test(slow.text.slice(-20)));
    const bytes = slow.messages.reduce<number>((sum, m) => sum + (Buffer.isBuffer(m) ? m.length : 0), 0);
    expect(bytes).toBeLessThan(LOTS / 2);
    const attached = slow.messages.filter(
      (m) => !Buffer.isBuffer(m) && (m as ShellNotice).type === 'attached',
    );
    expect(attached.length).toBe(2);
    await text(fast, 'the end');
  });
});

describe('who may do what', () => {
  test('a stranger sees and does nothing', async () => {
    const { id } = await lab.create();
    expect(problem(await lab.knock(id, 'mallory').refused).code).toBe('STRANGER');
    for (const [method, path] of [
      ['GET', '/shells'],
      ['POST', '/shells'],
      ['DELETE', `/shells/${id}`],
      ['GET', '/sessions'],
      ['GET', `/sessions/${id}/cast`],
    ] as const)
      expect(problem(await lab.call(method, path, undefined, 'mallory')).code).toBe('STRANGER');
  });

  test('a viewer watches, whatever it asks for; what it types goes nowhere', async () => {
    const { id } = await lab.create({ cols: 80, rows: 24 });
    const ada = await lab.attach(id, 'ada', '?cols=200&rows=60&read_only=false');
    expect(await notice(ada, 'attached')).toMatchObject({ read_only: true, shell: { cols: 80, rows: 24 } });
    ada.type('rm -rf /\r');
    expect(await notice(ada, 'refused')).toMatchObject({ code: 'SHELL_READ_ONLY' });
    ada.ask({ type: 'resize', cols: 10, rows: 5 });
    lab.agent.shell.print('still here');
    await text(ada, 'still here');
    expect(lab.agent.shell.typed).toEqual([]);
    expect(lab.agent.shell.size).toEqual({ cols: 80, rows: 24 });
    for (const [method, path] of [
      ['POST', '/shells'],
      ['DELETE', `/shells/${id}`],
      ['GET', '/sessions'],
      ['GET', `/sessions/${id}`],
      ['GET', `/sessions/${id}/cast`],
    ] as const)
      expect(problem(await lab.call(method, path, undefined, 'ada')).code).toBe('NOT_PERMITTED');
    expect(problem(await lab.watch('/sessions/search?text=x', 'ada').refused).code).toBe('NOT_PERMITTED');
    expect((await lab.audit()).map(({ action }) => action)).not.toContain('shell.attach');
  });

  test('an operator may only watch too', async () => {
    const { id } = await lab.create();
    const typist = await lab.attach(id, 'root', '?read_only=true');
    expect(await notice(typist, 'attached')).toMatchObject({ read_only: true });
    typist.type('x');
    expect(await notice(typist, 'refused')).toMatchObject({ code: 'SHELL_READ_ONLY' });
    expect(lab.agent.shell.typed).toEqual([]);
  });

  test('one who types without end into a shell it may only watch is not answered without end', async () => {
    const { id } = await lab.create();
    const ada = await lab.attach(id, 'ada');
    for (let i = 0; i < 500; i++) ada.type('x');
    lab.agent.shell.print('marker');
    await text(ada, 'marker');
    const refused = ada.messages.filter((m) => !Buffer.isBuffer(m) && (m as ShellNotice).type === 'refused');
    expect(refused.length).toBeLessThan(5);
  });

  test('a role that is lowered meanwhile holds at once', async () => {
    const { id } = await lab.create();
    const olaf = await lab.attach(id, 'olaf');
    olaf.type('a');
    await text(olaf, 'a');
    lab.grants.granted({ who: 'olaf', project: '', role: 'viewer' });
    olaf.type('b');
    expect(await notice(olaf, 'refused')).toMatchObject({ code: 'SHELL_READ_ONLY' });
    lab.agent.shell.print('marker');
    await text(olaf, 'marker');
    expect(lab.agent.shell.typed.join('')).toBe('a');
    lab.grants.revoked({ who: 'olaf', project: '' });
    expect((await olaf.closed).code).toBe(STREAM_CLOSE.forbidden);
  });

  test('no token is in any answer, any log line, any row or any file', async () => {
    const { id } = await lab.create();
    const typist = await lab.attach(id);
    lab.agent.cut();
    await notice(typist, 'interrupted');
    await notice(typist, 'attached');
    lab.agent.shell.exit(0);
    await typist.closed;
    const answers = [typist.text, JSON.stringify(typist.messages), await lab.cast(id)];
    const rows = JSON.stringify([
      await lab.store.read.selectFrom('shell').selectAll().execute(),
      await lab.audit(),
      lab.told,
      lab.lines,
    ]);
    expect(lab.agent.tokens.length).toBeGreaterThanOrEqual(2);
    for (const { text: token } of lab.agent.tokens) {
      const [, payload, signature] = token.split('.');
      for (const secret of [token, payload!, signature!]) {
        expect(answers.join('')).not.toContain(secret);
        expect(rows).not.toContain(secret);
      }
    }
    // Each is good for one connection.
    expect(new Set(lab.agent.tokens.map(({ text: token }) => token)).size).toBe(lab.agent.tokens.length);
  });
});

describe('what counts as use of the tunnel', () => {
  test('typing, and output that an operator sees; not output that nobody or only viewers see', async () => {
    const { id } = await lab.create();
    lab.agent.shell.print('nobody looks');
    const ada = await lab.attach(id, 'ada');
    lab.agent.shell.print('only ada looks');
    await text(ada, 'only ada looks');
    expect(lab.tunnels.usedBytes).toBe(0);
    const olaf = await lab.attach(id, 'olaf', '?read_only=true');
    lab.agent.shell.print('12345');
    await text(olaf, '12345');
    expect(lab.tunnels.usedBytes).toBe(5);
    const root = await lab.attach(id);
    root.type('abc');
    await text(root, 'abc');
    expect(lab.tunnels.usedBytes).toBe(11);
  });
});
