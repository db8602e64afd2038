/** A full disk: nothing runs that could run twice, and no result is lost. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { CommandClaims } from '../../src/protocol/command.ts';
import { requires } from '../require.ts';
import { EngineDouble, type Enrolled, openResult, type Peer } from './engine-double.ts';
import { agentFor, temporary } from './parts.ts';

let engine: EngineDouble;
let enrolled: Enrolled;
let folder: ReturnType<typeof temporary>;
let small: string;
let served: Awaited<ReturnType<typeof agentFor>> | undefined;
let peer: Peer;

beforeEach(async () => {
  engine = await EngineDouble.start();
  enrolled = await engine.enrolled();
  folder = temporary();
  small = join(folder.directory, 'small');
  await mkdir(small);
});
afterEach(async () => {
  await served?.close();
  served = undefined;
  await engine.close();
  if (existsSync(join(small, 'seen.log'))) execFileSync('umount', [small]);
  await folder.remove();
});

async function start() {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k,mode=700', 'tmpfs', small]);
  served = await agentFor(engine, enrolled, small);
  peer = await engine.peer();
  await peer.frame('TELEMETRY');
}
const fill = async () => {
  const { bavail, bsize } = await statfs(small);
  await writeFile(join(small, 'ballast'), Buffer.alloc(bavail * bsize));
};
const send = (argv: string[]): CommandClaims => {
  const claims = engine.claims(enrolled, { args: { argv } });
  peer.send({ type: 'COMMAND', envelope: engine.seal(claims) });
  return claims;
};

test(
  'a command that cannot be written down is refused, and runs when it comes again',
  requires('root', 'tmpfs'),
  async () => {
    await start();
    await fill();
    const mark = join(folder.directory, 'mark');
    const claims = send(['touch', mark]);
    const refused = openResult((await peer.frame('RESULT')).envelope, enrolled);
    expect(refused).toMatchObject({ corr_id: claims.corr_id, state: 'refused', error_code: 'DISK_FULL' });
    expect(existsSync(mark)).toBe(false);
    await rm(join(small, 'ballast'));
    peer.send({ type: 'COMMAND', envelope: engine.seal(claims) });
    await vi.waitFor(() => expect(peer.all('RESULT')).toHaveLength(2), 10_000);
    expect(openResult(peer.all('RESULT')[1]?.envelope ?? '', enrolled).state).toBe('succeeded');
  },
);

test(
  'a result that cannot be written down is kept, sent, and sent again',
  requires('root', 'tmpfs'),
  async () => {
    await start();
    const gate = join(folder.directory, 'gate');
    const claims = send(['/bin/sh', '-c', `until [ -e ${gate} ]; do sleep 0.02; done; echo done`]);
    await peer.frame('ACCEPTED');
    await fill();
    await writeFile(gate, '');
    const first = await peer.frame('RESULT');
    expect(openResult(first.envelope, enrolled)).toMatchObject({ state: 'succeeded', stdout: 'done\n' });
    peer.socket.terminate();
    peer = await engine.peer(1);
    expect((await peer.frame('RESULT')).envelope).toBe(first.envelope);
    await rm(join(small, 'ballast'));
    peer.send({ type: 'RESULT_ACK', corr_id: claims.corr_id });
    await vi.waitFor(() => expect(served?.spool.unsettled).toBe(0), 10_000);
  },
);
