import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requires } from '../require.ts';
import { Host } from './host.ts';
import { LAB_NEEDS } from './lab.ts';
import { machineState } from './machine-state.ts';
import { Process } from './processes.ts';

// The whole lab runs in a machine of its own, on which nobody else changes anything meanwhile.
describe('of a run of the lab', requires(...LAB_NEEDS), () => {
  let machine: Host;
  let temporary: string;
  let before: string;
  beforeAll(async () => {
    temporary = mkdtempSync(join(tmpdir(), 'borealis-left-'));
    machine = await Host.start('machine');
    machine.nft('table inet filter { chain input { type filter hook input priority 0; }; }');
    machine.ip('link add other0 type veth peer name other1', 'address add 192.0.2.1/24 dev other0');
    before = machineState(machine);
  });
  afterAll(async () => {
    await machine?.end();
    rmSync(temporary, { recursive: true, force: true });
  });

  const start = () => {
    const program = ['--no-warnings', join(import.meta.dirname, 'one-run.ts')];
    const env = { TMPDIR: temporary };
    return new Process(process.execPath, program, env, { within: machine.enter, stdin: 'open' });
  };

  test('nothing is left when it has ended: no interface, route, table, process, namespace, mount or file', async () => {
    const run = start();
    await run.until(({ stdout }) => stdout.includes('up'), 'it is up');
    expect(machineState(machine)).not.toBe(before);
    run.child.stdin!.end();
    expect(await run.finished).toMatchObject({ code: 0, stderr: '' });
    expect(machineState(machine)).toBe(before);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test('nor when it was killed, but for files in the temporary directory', async () => {
    const run = start();
    await run.until(({ stdout }) => stdout.includes('up'), 'it is up');
    await run.kill('SIGKILL');
    await expect.poll(() => machineState(machine)).toBe(before);
  });
});
