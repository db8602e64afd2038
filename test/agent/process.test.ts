/** The real process against an engine double: what it opens, how it stops, and what kill -9 does to its commands. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ensureIdentity, saveMembership, saveTokens } from '../../src/agent/identity.ts';
import { type ContextPaths, contextPaths, prepareState } from '../../src/agent/state.ts';
import { issueClientCertificate } from '../../src/crypto/ca.ts';
import { CLOSE } from '../../src/protocol/frame.ts';
import { EngineDouble, type Enrolled, openResult, type Peer } from './engine-double.ts';
import { freshTokens, temporary } from './parts.ts';

const MAIN = join(import.meta.dirname, '../../src/agent/main.ts');
const guid = '3f0f6a57-0d0b-4a53-9f2e-1d3b5c7e9a11';

let engine: EngineDouble;
let enrolled: Enrolled;
let folder: ReturnType<typeof temporary>;
let state: string;
let paths: ContextPaths;
const started: ChildProcess[] = [];

beforeEach(async () => {
  engine = await EngineDouble.start();
  folder = temporary();
  state = join(folder.directory, 'state');
  paths = contextPaths(state, 'system');
  await prepareState(state, paths);
  const identity = await ensureIdentity(paths);
  const { certificatePem: certificate } = await issueClientCertificate(engine.authority, {
    guid,
    context: 'system',
    publicKey: identity.publicKey,
    now: new Date(),
  });
  enrolled = { ...identity, guid, context: 'system', certificate };
  await saveTokens(paths, freshTokens());
  await saveMembership(paths, {
    guid,
    name: 'device',
    context: 'system',
    address: engine.address,
    pin: engine.authority.pin,
    authority: engine.authority.certificatePem,
    certificate,
    signingKey: engine.signing.publicKey,
    signingKeyId: engine.signingKeyId,
  });
});
afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await engine.close();
  await folder.remove();
});

const run = (...args: string[]) => {
  const child = spawn(process.execPath, [MAIN, 'run', '--state', state, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  started.push(child);
  const log = { text: '' };
  child.stderr.on('data', (chunk) => {
    log.text += chunk;
  });
  return { child, log, pid: child.pid as number, exit: once(child, 'exit') };
};
const cli = async (...args: string[]) => {
  const { promise, resolve } = Promise.withResolvers<{ code: number; stdout: string; stderr: string }>();
  execFile(process.execPath, [MAIN, ...args, '--state', state], (error, stdout, stderr) =>
    resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
  );
  return promise;
};
const status = async () => JSON.parse((await cli('status', '--json')).stdout);
const command = (peer: Peer, change: Parameters<EngineDouble['claims']>[1]) => {
  const claims = engine.claims(enrolled, change);
  peer.send({ type: 'COMMAND', envelope: engine.seal(claims) });
  return claims;
};

/** As proc_pid_status(5) has it; `Z` too where there is none any more. */
const stateOf = (pid: number): string | undefined => {
  try {
    return /^State:\s+(\w)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  } catch {
    return 'Z';
  }
};

/** Inodes of the sockets of a process, and those that listen, by /proc/net. */
function listening(pid: number): string[] {
  const own = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return []; // closed between the two looks
      }
    }),
  );
  const tcp = ['tcp', 'tcp6'].flatMap((name) => {
    const rows = readFileSync(`/proc/${pid}/net/${name}`, 'utf8').trim().split('\n').slice(1);
    // State 0A is LISTEN.
    return rows
      .map((row) => row.trim().split(/\s+/))
      .filter((row) => row[3] === '0A')
      .map((row) => row[9] ?? '');
  });
  const udp = ['udp', 'udp6'].flatMap((name) =>
    readFileSync(`/proc/${pid}/net/${name}`, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((row) => row.trim().split(/\s+/)[9] ?? ''),
  );
  // Flags 00010000 (__SO_ACCEPTCON) in /proc/net/unix.
  const unix = readFileSync(`/proc/${pid}/net/unix`, 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((row) => row.split(/\s+/))
    .filter((row) => row[3] === '00010000')
    .map((row) => row[6] ?? '');
  return [...tcp, ...udp, ...unix].filter((inode) => own.has(inode));
}

describe('borealis-agent run', () => {
  it('opens no listening socket, also while a command runs', async () => {
    const { pid } = run();
    const peer = await engine.peer();
    await peer.frame('INVENTORY');
    command(peer, { args: { argv: ['sleep', '30'] } });
    await peer.frame('ACCEPTED');
    expect(readdirSync(`/proc/${pid}/fd`).length).toBeGreaterThan(3);
    expect(listening(pid)).toEqual([]);
    expect(listening(process.pid).length).toBeGreaterThan(0);
  });

  it('says what it is doing, before, while and after', async () => {
    expect((await status()).contexts).toMatchObject([
      { enrolled: true, connected: false, link: 'not_running', pid: null },
    ]);
    const { child, pid, exit } = run();
    const peer = await engine.peer();
    await peer.frame('TELEMETRY');
    await vi.waitFor(
      async () => expect((await status()).contexts).toMatchObject([{ guid, pid, connected: true }]),
      10_000,
    );
    engine.refuseChannel = { status: 403, body: { code: 'DEVICE_REVOKED' } };
    peer.socket.close(CLOSE.forbidden, 'DEVICE_REVOKED');
    await vi.waitFor(async () => {
      expect((await status()).contexts).toMatchObject([
        { connected: false, link: 'waiting', last_error: { code: 'DEVICE_REVOKED' } },
      ]);
    }, 10_000);
    child.kill('SIGTERM');
    expect(await exit).toEqual([0, null]);
    expect((await status()).contexts).toMatchObject([{ connected: false, link: 'not_running' }]);
  }, 60_000);

  it('on SIGTERM tells the engine, ends a command that goes on, and is gone; nothing is left of it', async () => {
    const { child, exit } = run();
    const peer = await engine.peer();
    await peer.frame('TELEMETRY');
    const mark = join(folder.directory, 'pid');
    command(peer, {
      args: { argv: ['/bin/sh', '-c', `echo $$ > ${mark}.tmp; mv ${mark}.tmp ${mark}; exec sleep 600`] },
    });
    await vi.waitFor(() => expect(existsSync(mark)).toBe(true), 10_000);
    const before = performance.now();
    child.kill('SIGTERM');
    expect((await peer.closed).code).toBe(CLOSE.clean);
    const closedAfter = performance.now() - before;
    expect(await exit).toEqual([0, null]);
    // The promises of the product: offline shown within 2 s, gone in under 5 s.
    expect(closedAfter).toBeLessThan(2_000);
    expect(performance.now() - before).toBeLessThan(5_000);
    expect(peer.all('EVENT')).toMatchObject([{ kind: 'stopping' }]);
    expect(existsSync(`/proc/${readFileSync(mark, 'utf8').trim()}`)).toBe(false);
  });

  it('a second one on the same state is refused and names the first', async () => {
    const { pid } = run();
    await engine.peer();
    const { code, stderr } = await cli('run');
    expect(code).toBe(7);
    expect(stderr).toContain(String(pid));
    expect((await cli('unenroll', '--yes')).code).toBe(7);
  });

  it('ends on its next start what kill -9 left running', async () => {
    const first = run();
    const peer = await engine.peer();
    await peer.frame('TELEMETRY');
    const mark = join(folder.directory, 'pid');
    const claims = command(peer, {
      args: { argv: ['/bin/sh', '-c', `echo $$ > ${mark}.tmp; mv ${mark}.tmp ${mark}; exec sleep 600`] },
    });
    await vi.waitFor(() => expect(existsSync(mark)).toBe(true), 10_000);
    const orphan = Number(readFileSync(mark, 'utf8'));
    first.child.kill('SIGKILL');
    await first.exit;
    expect(existsSync(`/proc/${orphan}`)).toBe(true);
    run();
    const result = await (await engine.peer(1)).frame('RESULT');
    expect(openResult(result.envelope, enrolled)).toMatchObject({
      corr_id: claims.corr_id,
      state: 'failed',
      error_code: 'AGENT_RESTARTED',
    });
    // The kernel has been told; whoever is killed needs a processor for its end.
    await expect.poll(() => stateOf(orphan), { timeout: 20_000 }).toBe('Z');
  });

  it('kill -9 at any moment: each command runs at most once and has one result', async () => {
    const runs = join(folder.directory, 'runs');
    await writeFile(runs, '');
    const commands = new Map<string, { envelope: string; results: Set<string>; acknowledged: boolean }>();
    const random = (most: number) => Math.floor(Math.random() * most);
    let index = 0;
    const acknowledge = (peer: Peer, always: boolean) => {
      peer.socket.on('message', (data) => {
        const frame = JSON.parse(data.toString());
        const known = frame.type === 'RESULT' && commands.get(frame.corr_id);
        if (!known) return;
        known.results.add(frame.envelope);
        if (!always && random(3) === 0) return;
        known.acknowledged = true;
        peer.send({ type: 'RESULT_ACK', corr_id: frame.corr_id });
      });
    };
    const deliver = (peer: Peer) => {
      // An engine sends again whatever it has no result of; not all at once, or the queue is full.
      const wanting = [...commands.values()].filter(({ acknowledged }) => !acknowledged);
      for (const { envelope } of wanting.slice(0, 40)) peer.send({ type: 'COMMAND', envelope });
    };
    const add = () => {
      const claims = engine.claims(enrolled);
      const script = `echo ${claims.corr_id} >> ${runs}${random(2) ? '; sleep 0.1' : ''}`;
      const envelope = engine.seal({ ...claims, args: { argv: ['/bin/sh', '-c', script] } });
      commands.set(claims.corr_id, { envelope, results: new Set(), acknowledged: false });
    };
    for (let round = 0; round < 25; round++) {
      const { child, exit } = run();
      const peer = await engine.peer(index++);
      acknowledge(peer, false);
      await peer.frame('HELLO');
      for (let i = 0; i < 4; i++) add();
      peer.socket.once('message', () => deliver(peer));
      // Killed at a random one of the frames that it sends from now on, or before the first.
      const last = peer.frames.length + random(14);
      if (random(4) > 0)
        await Promise.race([
          vi
            .waitFor(() => expect(peer.frames.length).toBeGreaterThan(last), { timeout: 2_000, interval: 1 })
            .catch(() => undefined),
          peer.closed,
        ]);
      child.kill('SIGKILL');
      await exit;
      await peer.closed;
    }
    run();
    const peer = await engine.peer(index);
    acknowledge(peer, true);
    await peer.frame('TELEMETRY');
    await vi.waitFor(
      () => {
        deliver(peer);
        expect([...commands.values()].filter(({ acknowledged }) => !acknowledged)).toEqual([]);
      },
      { timeout: 60_000, interval: 500 },
    );
    const ran = readFileSync(runs, 'utf8').trim().split('\n');
    expect(new Set(ran).size).toBe(ran.length);
    const outcomes = { succeeded: 0, restarted: 0 };
    for (const [corrId, { results }] of commands) {
      const claims = [...results]
        .map((envelope) => openResult(envelope, enrolled))
        .filter(({ error_code }) => error_code !== 'REPLAY_DETECTED');
      expect(claims).toHaveLength(1);
      const [result] = claims;
      if (result?.state === 'succeeded') {
        outcomes.succeeded += 1;
        expect(ran).toContain(corrId);
      } else {
        outcomes.restarted += 1;
        expect(result).toMatchObject({ state: 'failed', error_code: 'AGENT_RESTARTED' });
      }
    }
    expect(outcomes.succeeded + outcomes.restarted).toBe(100);
    expect(outcomes.succeeded).toBeGreaterThan(10);
    await vi.waitFor(() => expect(readdirSync(paths.spool)).toEqual([]), 10_000);
  }, 240_000);
});

describe('the other commands', () => {
  it('unenroll forgets all, and then there is nothing to run', async () => {
    expect((await cli('unenroll')).code).toBe(1);
    const { code, stdout } = await cli('unenroll', '--yes', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ guid, name: 'device', context: 'system', unenrolled: true });
    expect(existsSync(paths.identity)).toBe(false);
    const again = await cli('run', '--json');
    expect(again.code).toBe(1);
    expect(JSON.parse(again.stdout)).toMatchObject({
      error: { code: 'NOT_ENROLLED', next: expect.stringContaining('enroll') },
    });
  });

  it('enroll takes the link from standard input and from the environment, and never shows the code', async () => {
    const other = join(folder.directory, 'other');
    const code = 'AAAAA-BBBBB-CCCCC-DDDDD';
    const link = `borealis://127.0.0.1:1/?code=${code}&pin=${engine.authority.pin}`;
    const execute = promisify(execFile);
    const outcomes = await Promise.all([
      (() => {
        const running = execute(process.execPath, [MAIN, 'enroll', '-', '--json', '--state', other]);
        running.child.stdin?.end(`${link}\n`);
        return running.catch((error) => error);
      })(),
      execute(process.execPath, [MAIN, 'enroll', '--json', '--state', `${other}2`], {
        env: { ...process.env, BOREALIS_AGENT_LINK: link },
      }).catch((error) => error),
    ]);
    for (const { code: exit, stdout, stderr } of outcomes) {
      expect(exit).toBe(5);
      expect(JSON.parse(stdout).error.code).toBe('ENGINE_UNREACHABLE');
      expect(stdout + stderr).not.toContain('BBBBB');
    }
  });
});
