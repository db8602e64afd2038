import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lockHolder, lockState } from '../../src/sys/lock.ts';
import { requires } from '../require.ts';

let state: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'borealis-lock-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }
  await rm(state, { recursive: true });
});

/** Another process that takes the lock, starts a child of its own, says so, and waits. */
const otherHolder = async (): Promise<ChildProcess> => {
  const module = join(import.meta.dirname, '../../src/sys/lock.ts');
  const script = `
    import { spawn } from 'node:child_process';
    import { lockState } from ${JSON.stringify(module)};
    try {
      lockState(${JSON.stringify(state)});
      const heir = spawn('sleep', ['1000'], { stdio: 'ignore' });
      console.log(heir.pid);
      setInterval(() => {}, 1000);
    } catch (error) { console.log(error.message); }`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  return child;
};
const said = async (child: ChildProcess): Promise<string> =>
  `${(await once(child.stdout!, 'data'))[0]}`.trim();

describe('the lock of a state directory', requires('linux'), () => {
  test('is had by one, and then by the next', () => {
    const lock = lockState(state);
    expect(lockHolder(state)).toBe(process.pid);
    expect(() => lockState(state)).toThrow(
      expect.objectContaining({ code: 'STATE_LOCKED', message: expect.stringContaining(`${process.pid}`) }),
    );
    lock.release();
    lock.release();
    expect(lockHolder(state)).toBeNull();
    lockState(state).release();
  });

  test('of another process names that process, and goes with it by kill -9, though its children live on', async () => {
    const other = await otherHolder();
    const heir = Number(await said(other));
    try {
      expect(lockHolder(state)).toBe(other.pid);
      expect(() => lockState(state)).toThrow(
        expect.objectContaining({
          code: 'STATE_LOCKED',
          detail: expect.stringMatching(new RegExp(`^Process ${other.pid} \\(node`)),
        }),
      );
      other.kill('SIGKILL');
      await once(other, 'exit');
      expect(lockHolder(state)).toBeNull();
      lockState(state).release();
    } finally {
      process.kill(heir);
    }
  });

  test('held here keeps another process out', async () => {
    const lock = lockState(state);
    expect(await said(await otherHolder())).toContain(`Process ${process.pid} `);
    lock.release();
  });

  test('is not held because a file of an earlier time says so', async () => {
    // Number 1 is alive for ever, and never was ours.
    await writeFile(join(state, 'engine.lock'), '1\n');
    expect(lockHolder(state)).toBeNull();
    const lock = lockState(state);
    expect(await readFile(join(state, 'engine.lock'), 'utf8')).toBe(`${process.pid}\n`);
    lock.release();
  });

  test('of one name is apart from that of another', () => {
    const engine = lockState(state);
    const agent = lockState(state, 'agent.lock');
    expect(lockHolder(state, 'agent.lock')).toBe(process.pid);
    expect(lockHolder(state, 'third.lock')).toBeNull();
    engine.release();
    agent.release();
  });
});
