import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { Call, Handlers, TerminalEars, TerminalSocket } from '../../../src/daemon/capability.ts';
import { BorealisError } from '../../../src/protocol/errors.ts';
import type { ShellNotice, ShellRequest } from '../../../src/protocol/shell.ts';
import { STREAM_CLOSE, TERMINAL_MESSAGE_MAX } from '../../../src/protocol/stream.ts';
import { callSocket, problem } from '../engine.ts';
import { type Door, openDoor } from './door.ts';
import { Typist } from './typist.ts';

let door: Door | undefined;
afterEach(async () => {
  await door?.close();
  door = undefined;
});

type Viewer = TerminalSocket<ShellNotice, ShellRequest>;
const deaf: TerminalEars<ShellRequest> = {
  typed: () => {},
  asked: () => {},
  drained: () => {},
  rechecked: () => {},
};
const left = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
const terminal = (run: (viewer: Viewer, call: Call) => Promise<void>): Handlers<'shell.attach'> => ({
  'shell.attach': (_input, call, viewer) => run(viewer, call),
});
const PATH = '/shells/abcdefgh/attach';

test('bytes and notices go both ways, in their order; the end is 1000', async () => {
  const heard: unknown[] = [];
  door = await openDoor(
    terminal(async (viewer) => {
      const done = Promise.withResolvers<void>();
      viewer.accept({
        ...deaf,
        typed: (bytes) => void heard.push(bytes.toString('latin1')),
        asked: (request) => {
          heard.push(request);
          done.resolve();
        },
      });
      viewer.tell({ type: 'resized', cols: 80, rows: 24 });
      viewer.show(Buffer.from([0x1b, 0xff, 0x00]));
      viewer.tell({ type: 'interrupted', reason: 'x' });
      await done.promise;
      viewer.tell({ type: 'ended', exit_code: 0, signal: null });
    }),
  );
  const typist = new Typist(door.path, PATH);
  expect(await typist.next()).toEqual({ type: 'resized', cols: 80, rows: 24 });
  expect(await typist.next()).toEqual(Buffer.from([0x1b, 0xff, 0x00]));
  expect(await typist.next()).toEqual({ type: 'interrupted', reason: 'x' });
  typist.type('l');
  typist.type(Buffer.from([0x73, 0x80]));
  typist.ask({ type: 'resize', cols: 100, rows: 30 });
  expect(await typist.next()).toEqual({ type: 'ended', exit_code: 0, signal: null });
  expect(await typist.closed).toEqual({ code: STREAM_CLOSE.done, reason: '' });
  expect(heard).toEqual(['l', 's\x80', { type: 'resize', cols: 100, rows: 30 }]);
});

test('what is wrong before the terminal opens is answered as a problem, what is wrong later is told last', async () => {
  let open = false;
  door = await openDoor(
    terminal(async (viewer) => {
      if (open) viewer.accept(deaf);
      throw new BorealisError(open ? 'DISK_FULL' : 'SHELL_NOT_FOUND');
    }),
  );
  const refused = await new Typist(door.path, PATH).refused;
  expect(problem(refused)).toMatchObject({ status: 404, code: 'SHELL_NOT_FOUND' });
  open = true;
  const typist = new Typist(door.path, PATH);
  expect(await typist.next()).toMatchObject({ error: { code: 'DISK_FULL' } });
  expect(await typist.closed).toEqual({ code: STREAM_CLOSE.failed, reason: 'DISK_FULL' });
});

test('the handler hears that the viewer left', async () => {
  const over = Promise.withResolvers<void>();
  door = await openDoor(
    terminal(async (viewer, call) => {
      viewer.accept(deaf);
      viewer.show(Buffer.from('x'));
      await left(call.signal);
      over.resolve();
    }),
  );
  const typist = new Typist(door.path, PATH);
  await typist.next();
  typist.ws.terminate();
  await over.promise;
});

describe('what no viewer says', () => {
  const sent: readonly (readonly [string, string | Buffer])[] = [
    ['no JSON', 'ls'],
    ['an unknown request', '{"type":"kill"}'],
    ['a field too many', '{"type":"resize","cols":80,"rows":24,"x":1}'],
    ['a size that no terminal has', '{"type":"resize","cols":100000,"rows":24}'],
    ['a request that is too long', `{"type":"resize","cols":80,"rows":24${' '.repeat(5_000)}}`],
  ];
  test.each(sent)('%s ends the terminal', async (_name, text) => {
    let asked = 0;
    door = await openDoor(
      terminal(async (viewer, call) => {
        viewer.accept({ ...deaf, asked: () => void asked++ });
        await left(call.signal);
      }),
    );
    const typist = new Typist(door.path, PATH);
    await typist.opened;
    typist.ws.send(text);
    expect(await typist.next()).toMatchObject({ error: { code: 'INVALID_INPUT' } });
    expect((await typist.closed).code).toBe(STREAM_CLOSE.failed);
    expect(asked).toBe(0);
  });

  test('more at once than a message holds ends it too', async () => {
    let typed = 0;
    door = await openDoor(
      terminal(async (viewer, call) => {
        const heard = (bytes: Buffer): void => {
          typed += bytes.length;
        };
        viewer.accept({ ...deaf, typed: heard });
        await left(call.signal);
      }),
    );
    const typist = new Typist(door.path, PATH);
    await typist.opened;
    typist.type(Buffer.alloc(TERMINAL_MESSAGE_MAX));
    typist.type(Buffer.alloc(TERMINAL_MESSAGE_MAX + 1));
    expect((await typist.closed).code).toBe(1009);
    expect(typed).toBe(TERMINAL_MESSAGE_MAX);
  });
});

test('a viewer that does not read is shown no more until it has; the handler is told when', async () => {
  const full = Promise.withResolvers<number>();
  const drained = Promise.withResolvers<void>();
  door = await openDoor(
    terminal(async (viewer) => {
      viewer.accept({ ...deaf, drained: () => drained.resolve() });
      const piece = Buffer.alloc(65_536, 0x61);
      let shown = 0;
      do shown += piece.length;
      while (viewer.show(piece) && shown < 16 * 1_048_576);
      full.resolve(shown);
      await drained.promise;
      viewer.show(Buffer.from('z'));
    }),
  );
  const typist = new Typist(door.path, PATH);
  await typist.opened;
  typist.ws.pause();
  const shown = await full.promise;
  expect(shown).toBeLessThan(4 * 1_048_576);
  typist.ws.resume();
  await typist.closed;
  expect(Buffer.concat(typist.messages as Buffer[])).toHaveLength(shown + 1);
});

test('a viewer that is paused is read from no more', async () => {
  let typed = 0;
  const seen = Promise.withResolvers<Viewer>();
  const all = Promise.withResolvers<void>();
  const TOTAL = 64 * 65_536;
  door = await openDoor(
    terminal(async (viewer) => {
      viewer.accept({
        ...deaf,
        typed: (bytes) => {
          typed += bytes.length;
          viewer.pause();
          seen.resolve(viewer);
          if (typed === TOTAL) all.resolve();
        },
      });
      await all.promise;
    }),
  );
  const typist = new Typist(door.path, PATH);
  await typist.opened;
  for (let i = 0; i < 64; i++) typist.type(Buffer.alloc(65_536));
  const viewer = await seen.promise;
  for (let i = 0; i < 20; i++) await door.call('GET', '/nothing');
  expect(typed).toBeLessThan(TOTAL / 2);
  const going = setInterval(() => viewer.resume(), 1);
  await all.promise.finally(() => clearInterval(going));
  await typist.closed;
});

describe('who', () => {
  const ada = { peerOf: () => ({ pid: 1, uid: 4_711, user: 'ada', groups: [] }) };

  test('a stranger opens none; who loses the role loses the terminal; a lower role is told', async () => {
    const roles: (string | undefined)[] = [];
    door = await openDoor(
      terminal(async (viewer, call) => {
        viewer.accept({ ...deaf, rechecked: () => void roles.push(viewer.caller?.role) });
        viewer.show(Buffer.from('x'));
        await left(call.signal);
      }),
      { peers: ada },
    );
    expect(problem(await new Typist(door.path, PATH).refused).code).toBe('STRANGER');
    door.grants.onChange(() => door?.api.recheck());
    door.grants.granted({ who: 'ada', project: '', role: 'operator' });
    const typist = new Typist(door.path, PATH);
    await typist.next();
    door.grants.granted({ who: 'ada', project: '', role: 'viewer' });
    expect(roles).toEqual(['viewer']);
    door.grants.revoked({ who: 'ada', project: '' });
    expect(await typist.closed).toEqual({ code: STREAM_CLOSE.forbidden, reason: 'NOT_PERMITTED' });
  });

  test('one that answers no ping is cut off', async () => {
    const over = Promise.withResolvers<void>();
    door = await openDoor(
      terminal(async (viewer, call) => {
        viewer.accept(deaf);
        await left(call.signal);
        over.resolve();
      }),
      { pingMs: 20 },
    );
    const dead = new WebSocket(`ws+unix://${door.path}:/api/v1${PATH}`, { autoPong: false });
    await over.promise;
    dead.terminate();
  });

  test('plain HTTP is told to come as a WebSocket', async () => {
    door = await openDoor(terminal(async () => {}));
    const answer = await callSocket(door.path, 'GET', `/api/v1${PATH}`);
    expect(problem(answer).code).toBe('WEBSOCKET_REQUIRED');
  });
});

test('the end of the engine ends terminals', async () => {
  door = await openDoor(
    terminal(async (viewer, call) => {
      viewer.accept(deaf);
      viewer.show(Buffer.from('x'));
      await left(call.signal);
    }),
  );
  const typist = new Typist(door.path, PATH);
  await typist.next();
  await door.close();
  door = undefined;
  expect((await typist.closed).code).toBe(STREAM_CLOSE.goingAway);
});
