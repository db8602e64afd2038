/** What anybody may try at the agent's port, with real sockets. Nothing is done for whom the engine did not sign. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { AgentPortOptions } from '../../../src/agent/port/server.ts';
import { TOKEN_MAX_BYTES } from '../../../src/agent/port/token.ts';
import { generateEd25519 } from '../../../src/crypto/ed25519.ts';
import { AGENT_PORT_FRAME_MAX, TO_AGENT_PORT } from '../../../src/protocol/agent-port.ts';
import { encodeFrame } from '../../../src/protocol/agent-port-codec.ts';
import { temporary } from '../parts.ts';
import {
  accountOfShells,
  type Claims,
  type EngineEnd,
  GUID,
  PortLab,
  shellsOfAnAccount,
} from './engine-end.ts';

vi.setConfig({ testTimeout: 30_000 });
shellsOfAnAccount();

const SHELL = {
  purpose: 'shell',
  shell_id: 'shell-of-nobody',
  user: null,
  size: { cols: 80, rows: 24 },
  term: 'xterm',
  record_input: false,
};
const STRANGERS_MAX = 128;

let lab: PortLab;
let seenPath: string;
let remove: () => Promise<void>;

async function start(change: Partial<AgentPortOptions> = {}): Promise<void> {
  lab = new PortLab(seenPath, change);
  await lab.start();
}

beforeEach(async () => {
  const place = temporary();
  remove = place.remove;
  seenPath = join(place.directory, 'seen');
  await start();
});
afterEach(async () => {
  await lab.close();
  await remove();
});

const now = () => Math.floor(Date.now() / 1_000);
/** Neither a shell nor a connection for anybody. */
const nothingDone = () => {
  expect(lab.shells.list()).toEqual([]);
  expect(lab.log.lines.map(({ message }) => message)).not.toContain('connection accepted');
};
/** What the engine is told, and how often. */
const told = () => lab.told.map((frame) => (frame.type === 'EVENT' ? frame.kind : frame.type));
/** The connection's end, after the token and something that a shell would do. */
async function tried(token: string): Promise<EngineEnd> {
  const end = await lab.dial();
  const [open, input] = [TO_AGENT_PORT.OPEN, TO_AGENT_PORT.INPUT];
  end.send(Buffer.concat([encodeFrame(open, Buffer.from(token)), encodeFrame(input, Buffer.from('exit\n'))]));
  return end;
}

describe('a token', () => {
  test('that is good opens one connection', async () => {
    const end = await lab.open({ purpose: 'list' });
    expect(await end.frame('SHELLS')).toEqual({ type: 'SHELLS', shells: [] });
    await end.closed;
    expect(lab.port.refused).toBe(0);
    expect(told()).toEqual([]);
  });

  const tampered = (token: string): string => {
    const [header, payload, signature] = token.split('.') as [string, string, string];
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims;
    const changed = Buffer.from(JSON.stringify({ ...claims, user: 'root' })).toString('base64url');
    return [header, changed, signature].join('.');
  };
  const unsigned = (token: string): string => {
    const header = Buffer.from('{"alg":"none","typ":"borealis-port+jws"}').toString('base64url');
    return `${header}.${token.split('.')[1]}.`;
  };
  const signatures: [string, () => string, string][] = [
    ['of another key', () => lab.token(SHELL, { seed: generateEd25519().seed }), 'INVALID_SIGNATURE'],
    ['of a key by another name', () => lab.token(SHELL, { kid: 'o'.repeat(43) }), 'INVALID_SIGNATURE'],
    ['changed after it was signed', () => tampered(lab.token(SHELL)), 'INVALID_SIGNATURE'],
    ['without a signature', () => unsigned(lab.token(SHELL)), 'INVALID_SIGNATURE'],
    ['cut off', () => lab.token(SHELL).slice(0, -2), 'INVALID_SIGNATURE'],
    ['with a line after it', () => `${lab.token(SHELL)}\n`, 'INVALID_SIGNATURE'],
    ['of a command', () => lab.token(SHELL, { typ: 'borealis-command+jws' }), 'INVALID_SIGNATURE'],
    ['of a tunnel', () => lab.token(SHELL, { typ: 'borealis-tunnel+jws' }), 'INVALID_SIGNATURE'],
    ['of nothing', () => '', 'INVALID_SIGNATURE'],
    ['of garbage', () => randomBytes(300).toString('latin1'), 'INVALID_SIGNATURE'],
  ];
  const targets = (target: string) => lab.token({ ...SHELL, agent_targets: [target] });
  const addressed: [string, () => string, string][] = [
    ['for another device', () => targets('00000000-0000-4000-8000-000000000000/system'), 'NOT_ADDRESSED'],
    ['for another context', () => targets(`${GUID}/user`), 'NOT_ADDRESSED'],
    ['for a device as such', () => targets(GUID), 'NOT_ADDRESSED'],
    [
      'for this device and another',
      () => lab.token({ ...SHELL, agent_targets: [`${GUID}/system`, `${GUID}/user`] }),
      'SCHEMA_MISMATCH',
    ],
    [
      'for another tunnel',
      () => lab.token({ ...SHELL, tunnel_id: randomBytes(16).toString('base64url') }),
      'NOT_ADDRESSED',
    ],
  ];
  const times: [string, () => string, string][] = [
    ['that has expired', () => lab.token({ ...SHELL, iat: now() - 61, exp: now() - 1 }), 'EXPIRED_TOKEN'],
    ['that expires now', () => lab.token({ ...SHELL, iat: now() - 60, exp: now() }), 'EXPIRED_TOKEN'],
    ['from the future', () => lab.token({ ...SHELL, iat: now() + 90, exp: now() + 100 }), 'EXPIRED_TOKEN'],
    ['that lives an hour', () => lab.token({ ...SHELL, exp: now() + 3_600 }), 'SCHEMA_MISMATCH'],
    [
      'that ends before it begins',
      () => lab.token({ ...SHELL, iat: now() + 50, exp: now() + 20 }),
      'SCHEMA_MISMATCH',
    ],
    ['without an end', () => lab.token({ ...SHELL, exp: null }), 'SCHEMA_MISMATCH'],
  ];
  const forms: [string, () => string, string][] = [
    ['for an unknown purpose', () => lab.token({ ...SHELL, purpose: 'everything' }), 'SCHEMA_MISMATCH'],
    ['with a word too many', () => lab.token({ ...SHELL, command: 'id' }), 'SCHEMA_MISMATCH'],
    ['with a short nonce', () => lab.token({ ...SHELL, nonce: 'short' }), 'SCHEMA_MISMATCH'],
    ['with an option for a user', () => lab.token({ ...SHELL, user: '-c' }), 'SCHEMA_MISMATCH'],
    [
      'with a path for a terminal',
      () => lab.token({ ...SHELL, term: '../../etc/passwd' }),
      'SCHEMA_MISMATCH',
    ],
    [
      'for a terminal without an end',
      () => lab.token({ ...SHELL, size: { cols: 1e9, rows: 1e9 } }),
      'SCHEMA_MISMATCH',
    ],
  ];
  test.each([...signatures, ...addressed, ...times, ...forms])(
    '%s is refused, and nothing is done for it',
    async (_, token, code) => {
      const text = token();
      const end = await tried(text);
      expect(await end.refusal()).toBe(code);
      nothingDone();
      const loud = code === 'INVALID_SIGNATURE' || code === 'NOT_ADDRESSED';
      expect(told()).toEqual(loud ? ['signature_refused'] : []);
      // What it was is nobody's business, wherever it is written.
      const written = JSON.stringify([lab.log.lines, lab.told, end.frames]);
      if (text.length > 40) expect(written).not.toContain(text.slice(-40));
      // Nor is it kept: who cannot sign cannot fill anything.
      expect(readFileSync(seenPath, 'utf8')).toBe('');
    },
  );

  test('is taken once, also of two at once and after a new start', async () => {
    const token = lab.token({ purpose: 'list' });
    const both = [await lab.dial(), await lab.dial()];
    for (const end of both) end.open(token);
    await Promise.all(both.map(({ closed }) => closed));
    const answers = both.map(({ frames }) => frames[0]).map((frame) => frame?.type);
    expect(answers.sort()).toEqual(['REFUSED', 'SHELLS']);
    expect(told()).toEqual(['replay_refused']);
    await lab.restart();
    const again = await lab.dial();
    again.open(token);
    expect(await again.refusal()).toBe('REPLAY_DETECTED');
    const other = await lab.open({ purpose: 'list' });
    await other.frame('SHELLS');
  });

  test('for a shell is taken once, however its connection ended', async () => {
    const token = lab.token({ ...SHELL, user: accountOfShells() });
    const first = await lab.dial();
    first.open(token);
    await first.frame('OPENED');
    first.socket.destroy();
    const second = await lab.dial();
    second.open(token);
    expect(await second.refusal()).toBe('REPLAY_DETECTED');
    expect(lab.shells.list()).toHaveLength(1);
  });

  test('that cannot be remembered opens nothing', async () => {
    await lab.seen.close();
    const end = await lab.open(SHELL);
    expect(await end.refusal()).toBe('STORE_FAILED');
    nothingDone();
  });

  test('for what this agent does not do is refused', async () => {
    const end = await lab.open({ purpose: 'copy', direction: 'from_device', path: '/etc/shadow' });
    expect(await end.refusal()).toBe('UNKNOWN_VERB');
    nothingDone();
  });
});

describe('a connection', () => {
  const header = (length: number, kind: number): Buffer => {
    const bytes = Buffer.alloc(5);
    bytes.writeUInt32BE(length, 0);
    bytes.writeUInt8(kind, 4);
    return bytes;
  };
  test.each<[string, () => Buffer]>([
    ['types before it has shown a token', () => encodeFrame(TO_AGENT_PORT.INPUT, Buffer.from('id\n'))],
    [
      'ends a shell before it has shown a token',
      () => encodeFrame(TO_AGENT_PORT.KILL, Buffer.from('{"signal":"SIGKILL"}')),
    ],
    ['speaks HTTP', () => Buffer.from('GET / HTTP/1.1\r\nHost: device\r\n\r\n')],
    ['speaks TLS', () => Buffer.concat([Buffer.from([22, 3, 1, 2, 0, 1, 0, 1]), randomBytes(500)])],
    ['announces nothing', () => header(0, TO_AGENT_PORT.OPEN)],
    ['announces more than a token', () => header(TOKEN_MAX_BYTES + 2, TO_AGENT_PORT.OPEN)],
    ['announces four gigabytes', () => header(0xffff_ffff, TO_AGENT_PORT.OPEN)],
    [
      'shows a token of the largest size',
      () => encodeFrame(TO_AGENT_PORT.OPEN, Buffer.alloc(TOKEN_MAX_BYTES, 'e')),
    ],
  ])('that %s is refused', async (_, bytes) => {
    const end = await lab.dial();
    end.send(bytes());
    expect(await end.refusal()).toMatch(/^(SCHEMA_MISMATCH|INVALID_SIGNATURE)$/);
    nothingDone();
  });

  test('that ends within its token gets nothing', async () => {
    const end = await lab.dial();
    end.socket.end(encodeFrame(TO_AGENT_PORT.OPEN, Buffer.from(lab.token(SHELL))).subarray(0, -1));
    expect(await end.refusal()).toMatch(/^(SCHEMA_MISMATCH|cut)$/);
    nothingDone();
  });

  test('with a shell that sends what is no frame is ended; the shell goes on', async () => {
    const bad: Buffer[] = [
      header(AGENT_PORT_FRAME_MAX + 1, TO_AGENT_PORT.INPUT),
      encodeFrame(99, Buffer.alloc(0)),
      encodeFrame(TO_AGENT_PORT.RESIZE, Buffer.from('{"cols":0,"rows":-1}')),
      encodeFrame(TO_AGENT_PORT.KILL, Buffer.from('{"signal":"SIGSTOP"}')),
      encodeFrame(TO_AGENT_PORT.OPEN, Buffer.from(lab.token(SHELL))),
    ];
    const { shellId } = await lab.shell();
    for (const bytes of bad) {
      const end = await lab.attach(shellId, 0);
      await end.frame('OPENED');
      end.send(Buffer.concat([bytes, encodeFrame(TO_AGENT_PORT.INPUT, Buffer.from('exit\n'))]));
      await end.frame('REFUSED');
      await end.closed;
      expect(lab.shells.list()).toMatchObject([{ shell_id: shellId, exited: null }]);
    }
  });

  test('from an address that is not the engine’s is cut, whatever it can show', async () => {
    const stranger = lab.tunnel.engineAddress.replace(/\.1$/, '.77');
    for (const from of [stranger, lab.tunnel.deviceAddress, '127.0.0.1']) {
      const end = await lab.dial(from);
      end.open(lab.token(SHELL));
      expect(await end.refusal()).toBe('cut');
    }
    nothingDone();
    expect(told()).toEqual(['signature_refused', 'signature_refused', 'signature_refused']);
  });

  test('is not taken at another address of the device', async () => {
    const { port } = lab.port.listening!;
    for (const host of ['127.0.0.1', lab.tunnel.engineAddress, '::1']) {
      const socket = connect({ host, port });
      const error = await new Promise<NodeJS.ErrnoException>((resolve) => socket.once('error', resolve));
      expect(error.code).toBe('ECONNREFUSED');
    }
  });

  test('ends with the tunnel; a token of before is for another one', async () => {
    const end = await lab.shell();
    const old = lab.token({ purpose: 'list' });
    lab.port.down();
    await end.closed;
    expect(lab.port.listening).toBeNull();
    lab.port.up({ ...lab.tunnel, tunnelId: randomBytes(16).toString('base64url') });
    await vi.waitUntil(() => lab.port.listening);
    const again = await lab.dial();
    again.open(old);
    expect(await again.refusal()).toBe('NOT_ADDRESSED');
    expect(lab.shells.list()).toMatchObject([{ exited: null }]);
  });
});

describe('who says nothing', () => {
  beforeEach(async () => {
    await lab.close();
  });

  test('is cut off after a while, also who says it a byte at a time', async () => {
    await start({ helloMs: 100 });
    const silent = await lab.dial();
    const slow = await lab.dial();
    const bytes = encodeFrame(TO_AGENT_PORT.OPEN, Buffer.from(lab.token(SHELL)));
    let at = 0;
    const dripping = setInterval(() => slow.send(bytes.subarray(at, ++at)), 10);
    expect(await silent.refusal()).toBe('cut');
    expect(await slow.refusal()).toBe('cut');
    clearInterval(dripping);
    nothingDone();
  });

  test('is not cut off once its token was good', async () => {
    await start({ helloMs: 1_000 });
    const end = await lab.shell();
    const last = await lab.dial();
    await last.closed; // a time in which the other one would have been cut
    expect(end.socket.destroyed).toBe(false);
    expect(await end.screen()).toMatchObject({ cols: 80, rows: 24 });
  });

  test('is not let in where many are there already', async () => {
    await start({ helloMs: 60_000 });
    const crowd = await Promise.all(Array.from({ length: STRANGERS_MAX }, () => lab.dial()));
    const late = await lab.dial();
    expect(await late.refusal()).toBe('cut');
    for (const { socket } of crowd) expect(socket.destroyed).toBe(false);
  });

  test('does not keep the engine out for longer than that, however many there are', async () => {
    await start({ helloMs: 1_000 });
    const crowd = await Promise.all(Array.from({ length: STRANGERS_MAX }, () => lab.dial()));
    await Promise.all(crowd.map(({ closed }) => closed));
    const engine = await lab.open({ purpose: 'list' });
    await engine.frame('SHELLS');
  });

  test('does not count among strangers once it is known', async () => {
    await start({ helloMs: 60_000 });
    const known = await lab.shell();
    const crowd = await Promise.all(Array.from({ length: STRANGERS_MAX - 1 }, () => lab.dial()));
    const engine = await lab.open({ purpose: 'list' });
    await engine.frame('SHELLS');
    expect(known.socket.destroyed).toBe(false);
    for (const { socket } of crowd) expect(socket.destroyed).toBe(false);
  });
});

test('an engine takes up as many shells at once as there may be', async () => {
  const shells = await Promise.all(Array.from({ length: 64 }, () => lab.shell()));
  await lab.restart();
  const again = await Promise.all(shells.map(({ shellId }) => lab.attach(shellId, 0)));
  await Promise.all(again.map((end) => end.frame('OPENED')));
  await expect(lab.shell()).rejects.toThrow('SHELLS_USED_UP');
});

test('a flood of forged tokens is told in moderation, and counted', async () => {
  for (let n = 0; n < 60; n++) {
    const end = await lab.dial();
    end.open(lab.token(SHELL, { seed: randomBytes(32) }));
    expect(await end.refusal()).toBe('INVALID_SIGNATURE');
  }
  expect(lab.port.refused).toBe(60);
  expect(told().length).toBeLessThan(40);
  nothingDone();
});
