import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nodeEd25519 } from '../../../src/crypto/ed25519.ts';
import { openEnvelope } from '../../../src/crypto/envelope.ts';
import { scriptOperations as handlersOf } from '../../../src/daemon/scripts/operations.ts';
import { SCRIPT_TYPE, scriptClaims } from '../../../src/protocol/command.ts';
import { jobOperations } from '../../../src/protocol/job.ts';
import type { InputOf } from '../../../src/protocol/operations.ts';
import { SCRIPT_MAX_BYTES, scriptOperations } from '../../../src/protocol/script.ts';
import { TestAgents } from '../agents.ts';

let agents: TestAgents;
let scripts: ReturnType<typeof handlersOf>;
beforeEach(async () => {
  agents = await (await TestAgents.open()).start();
  const { store, events, clock, keys } = agents;
  scripts = handlersOf({ store, events, clock, keys });
});
afterEach(() => agents.close());

const add = (input: InputOf<'script.add'>) =>
  scripts['script.add'](scriptOperations['script.add'].input.parse(input), agents.call('script.add', 'ada'));
const show = (script: string) => scripts['script.show']({ script }, agents.call('script.show'));
const changes = () =>
  agents.told.filter(({ type }) => type === 'script.changed').map(({ message }) => message);

test('a script is stored with its hash, signed by the engine', async () => {
  const body = '#!/bin/sh\necho „hallo“\n';
  const script = await add({ name: 'hello', language: 'shell', body, description: 'greets' });
  const sha256 = createHash('sha256').update(body).digest('hex');
  expect(script).toMatchObject({ name: 'hello', sha256, size: Buffer.byteLength(body), added_by: 'ada' });
  const { publicKey } = agents.keys.signingKey();
  const { claims } = openEnvelope(
    script.signature,
    { publicKey, typ: SCRIPT_TYPE, maxBytes: 2_048 },
    nodeEd25519,
  );
  expect(scriptClaims.parse(claims)).toEqual({ name: 'hello', language: 'shell', sha256 });
  expect((await show('hello')).body).toBe(body);
  expect(await scripts['script.list']({}, agents.call('script.list'))).toEqual([script]);
  expect(changes()).toEqual(['ada added the script hello']);
});

test('a name is taken by its first content, unless it is to be replaced', async () => {
  const first = await add({ name: 'x', language: 'shell', body: 'one' });
  expect(await add({ name: 'x', language: 'shell', body: 'one' })).toEqual(first);
  await expect(add({ name: 'x', language: 'shell', body: 'two' })).rejects.toMatchObject({
    code: 'SCRIPT_EXISTS',
  });
  await expect(add({ name: 'x', language: 'python', body: 'one' })).rejects.toMatchObject({
    code: 'SCRIPT_EXISTS',
  });
  expect((await add({ name: 'x', language: 'shell', body: 'two', replace: true })).sha256).not.toBe(
    first.sha256,
  );
  expect(changes()).toEqual(['ada added the script x', 'ada replaced the script x']);
  const audit = await agents.store.read.selectFrom('audit').select(['actor', 'action', 'target']).execute();
  expect(
    audit.every(({ actor, action, target }) => actor === 'ada' && action === 'script.add' && target === 'x'),
  ).toBe(true);
});

test('a script is forgotten, and then is unknown', async () => {
  await add({ name: 'x', language: 'shell', body: 'one' });
  await scripts['script.remove']({ script: 'x' }, agents.call('script.remove'));
  await expect(show('x')).rejects.toMatchObject({ code: 'SCRIPT_NOT_FOUND' });
  await expect(scripts['script.remove']({ script: 'x' }, agents.call('script.remove'))).rejects.toMatchObject(
    {
      code: 'SCRIPT_NOT_FOUND',
    },
  );
});

test('the largest script fits one frame; one that takes more once it is written as JSON is refused', async () => {
  await add({ name: 'large', language: 'shell', body: 'x'.repeat(SCRIPT_MAX_BYTES) });
  const agent = await agents.connect(await agents.enrol('web1'));
  const input = jobOperations['job.create'].input.parse({
    work: { kind: 'script', script: 'large' },
    devices: ['web1'],
  });
  await agents.commands.operations['job.create'](input, agents.call('job.create'));
  expect((await agent.nextCommand()).args.body).toHaveLength(SCRIPT_MAX_BYTES);
  await expect(
    add({ name: 'euro', language: 'shell', body: '€'.repeat(SCRIPT_MAX_BYTES) }),
  ).rejects.toMatchObject({
    code: 'BODY_TOO_LARGE',
  });
});

test('a job runs the script as it was when the job was made, whatever becomes of it', async () => {
  const device = await agents.enrol('web1');
  const { signature } = await add({ name: 'x', language: 'python', body: 'print(1)' });
  const input = jobOperations['job.create'].input.parse({
    work: { kind: 'script', script: 'x', arguments: ['a b'] },
    devices: ['web1'],
  });
  const job = await agents.commands.operations['job.create'](input, agents.call('job.create'));
  expect(job).toMatchObject({ kind: 'script', title: `x 'a b'` });
  await scripts['script.remove']({ script: 'x' }, agents.call('script.remove'));
  const agent = await agents.connect(device);
  expect(await agent.obey()).toMatchObject({
    verb: 'run_script',
    args: { name: 'x', language: 'python', body: 'print(1)', signature, arguments: ['a b'] },
  });
  await expect(
    agents.commands.operations['job.create'](input, agents.call('job.create')),
  ).rejects.toMatchObject({
    code: 'SCRIPT_NOT_FOUND',
  });
});
