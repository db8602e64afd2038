/** A whole life at the most talkative log level; then every byte that it left behind is searched for every secret it made. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { pemToSeed } from '../../src/crypto/keys.ts';
import { unseal } from '../../src/crypto/sealed.ts';
import { Place } from '../lab/processes.ts';
import { requires } from '../require.ts';

const PASSPHRASE = 'correct horse battery staple 4711';
/** Each lies where it must, readable by its owner only; nowhere else may its content be. */
const HOLDERS = new Set(['master.key', 'identity.pem', 'tokens.json']);

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.dispose());

test('no secret of a whole run is in a log, a store, an output, an argument or an environment', {
  ...requires('linux'),
  timeout: 120_000,
}, async () => {
  const talkative = { BOREALIS_LOG_LEVEL: 'trace', BOREALIS_AGENT_LOG_LEVEL: 'trace' };
  const engine = await place.startEngine([], talkative);
  const { client } = place;
  const code = await client.call('code.create', { address: await place.agentAddress() });
  const processes: string[] = [];

  const enrolment = place.agent('device', ['enroll', '-'], talkative, `${code.link}\n`);
  await enrolment.until(() => enrolment.stderr.includes('fingerprint'), 'the request');
  processes.push(whatOthersSee(enrolment.child.pid!), whatOthersSee(engine.child.pid!));
  const [waiting] = await client.call('approval.list', {});
  await client.call('approval.approve', { approval: waiting!.id });
  expect((await enrolment.finished).code).toBe(0);

  const agent = place.agent('device', ['run'], talkative);
  await agent.until(() => agent.stderr.includes('"msg":"connected"'), 'connected');
  processes.push(whatOthersSee(agent.child.pid!));
  await client.call('script.add', {
    name: 'environment',
    language: 'shell',
    body: 'env; tr "\\0" " " </proc/$PPID/cmdline',
  });
  const job = await client.call('job.create', { all: true, work: { kind: 'script', script: 'environment' } });
  for await (const message of client.stream('job.watch', { job: job.id })) if (message.type === 'job') break;
  const { targets } = await client.call('job.show', { job: job.id });
  expect(targets[0]).toMatchObject({ state: 'succeeded', exit_code: 0 });

  const backup = await buffer(await client.download('backup.create', { passphrase: PASSPHRASE }));
  await client.upload('backup.verify', { passphrase: PASSPHRASE }, Readable.from([backup]));
  await client
    .upload('backup.verify', { passphrase: `${PASSPHRASE}!` }, Readable.from([backup]))
    .catch(() => undefined);
  await place.agent('stranger', ['enroll', '-'], talkative, `${code.link}\n`).finished;
  await agent.kill('SIGTERM');
  await engine.kill('SIGTERM');

  const secrets = collectSecrets(code);
  expect(secrets.size).toBeGreaterThan(10);
  const leaks: string[] = [];
  const search = (where: string, content: Buffer): void => {
    for (const [name, forms] of secrets) {
      for (const form of forms) if (content.includes(form)) leaks.push(`${name} in ${where}`);
    }
  };
  for (const file of filesBelow(place.directory))
    if (!HOLDERS.has(basename(file))) search(file, readFileSync(file));
  search('the backup', backup);
  search('what other users see of the processes', Buffer.from(processes.join('\n')));
  search('what the script saw', Buffer.from(targets[0]!.stdout));
  for (const process of [engine, enrolment, agent])
    search('an output', Buffer.from(process.stdout + process.stderr));
  expect(leaks).toEqual([]);
  expect(targets[0]!.stdout).not.toContain('BOREALIS');
});

/** Command line and environment, as ps(1) shows them. */
const whatOthersSee = (pid: number): string =>
  ['cmdline', 'environ'].map((name) => readFileSync(`/proc/${pid}/${name}`, 'utf8')).join('\n');

const filesBelow = (directory: string): string[] =>
  readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

/** Each secret with the forms in which it could appear. */
const collectSecrets = (code: { code: string; link: string }): Map<string, Buffer[]> => {
  const masterKey = readFileSync(place.path('engine', 'master.key'));
  const tokens = JSON.parse(readFileSync(place.path('device', 'system', 'tokens.json'), 'utf8')) as Record<
    string,
    string
  >;
  const pem = readFileSync(place.path('device', 'system', 'identity.pem'), 'utf8');
  const secrets = new Map<string, Buffer[]>([
    ['the code', [Buffer.from(code.code), Buffer.from(code.code.replaceAll('-', ''))]],
    ['the link', [Buffer.from(code.link)]],
    ['the passphrase', [Buffer.from(PASSPHRASE), Buffer.from(encodeURIComponent(PASSPHRASE))]],
    ['the master key', formsOf(masterKey)],
    ['the agent’s key', [...formsOf(Buffer.from(pemToSeed(pem))), Buffer.from(pem.split('\n')[1]!)]],
    ['the access token', [Buffer.from(tokens.access_token!)]],
    ['the refresh token', [Buffer.from(tokens.refresh_token!)]],
  ]);
  const store = new BetterSqlite3(place.path('engine', 'borealis.db'), { readonly: true });
  for (const { name, sealed } of store.prepare('select name, sealed from secret').all() as {
    name: string;
    sealed: Buffer;
  }[]) {
    const content = unseal(masterKey, name, sealed);
    // What is public in it (a certificate) may well be elsewhere: the key is what must not.
    const keys = content.toString('utf8').match(/-----BEGIN PRIVATE KEY-----[\s\S]*?-----END/g);
    secrets.set(
      `the sealed ${name}`,
      keys ? keys.map((key) => Buffer.from(key.split('\\n')[1] ?? key)) : formsOf(content),
    );
  }
  store.close();
  return secrets;
};

const formsOf = (bytes: Buffer): Buffer[] => [
  bytes,
  ...(['hex', 'base64', 'base64url'] as const).map((encoding) => Buffer.from(bytes.toString(encoding))),
];
