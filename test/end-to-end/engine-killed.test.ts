/** The engine killed with SIGKILL a hundred times under load: whatever it had answered is there afterwards. */
import { randomInt } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Client } from '../../src/client/client.ts';
import { BorealisError } from '../../src/protocol/errors.ts';
import { Place } from '../lab/processes.ts';

const ROUNDS = 100;
const WRITERS = 8;
/** Answers before the kill, at most: the kill then hits the others in all stages. */
const MOST_ANSWERS = 24;

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.dispose());

interface Acknowledged {
  readonly codes: Set<string>;
  readonly scripts: Map<string, string>;
  readonly revoked: Set<string>;
}

test(`killed ${ROUNDS} times under load, it loses nothing that it acknowledged`, {
  timeout: 600_000,
}, async () => {
  const client = new Client(place.socket);
  const kept: Acknowledged = { codes: new Set(), scripts: new Map(), revoked: new Set() };
  for (let round = 0; round < ROUNDS; round++) {
    const engine = await place.startEngine();
    const enough = randomInt(1, MOST_ANSWERS);
    let answers = 0;
    const answered = (): void => {
      answers++;
      if (answers === enough) engine.child.kill('SIGKILL');
    };
    await Promise.all(
      Array.from({ length: WRITERS }, (_, writer) => write(client, kept, `${round}-${writer}`, answered)),
    );
    const { signal } = await engine.finished;
    expect(signal).toBe('SIGKILL');
  }

  const engine = await place.startEngine();
  const codes = await client.call('code.list', { all: true });
  const byId = new Map(codes.map((code) => [code.id, code]));
  expect([...kept.codes].filter((id) => !byId.has(id))).toEqual([]);
  expect([...kept.revoked].filter((id) => byId.get(id)?.state !== 'revoked')).toEqual([]);
  const scripts = new Map(
    (await client.call('script.list', {})).map((script) => [script.name, script.sha256]),
  );
  expect([...kept.scripts].filter(([name, hash]) => scripts.get(name) !== hash)).toEqual([]);
  const chain = await client.call('audit.verify', {});
  expect(chain).toMatchObject({ intact: true, break: null });
  // Each change that is there has its record: neither is kept without the other.
  const records = await client.all('audit.list', { action: 'code.create' });
  expect(records.filter((record) => record.result === 'done')).toHaveLength(codes.length);
  expect(kept.codes.size).toBeGreaterThan(ROUNDS);
  expect((await engine.kill('SIGTERM')).code).toBe(0);
});

/** Changes things, one after the other, until the engine is gone. */
const write = async (
  client: Client,
  kept: Acknowledged,
  name: string,
  answered: () => void,
): Promise<void> => {
  try {
    for (let n = 0; ; n++) {
      const code = await client.call('code.create', { address: '127.0.0.1:1' });
      kept.codes.add(code.id);
      answered();
      const script = await client.call('script.add', {
        name: `s-${name}-${n}`,
        language: 'shell',
        body: `echo ${name} ${n}`,
      });
      kept.scripts.set(script.name, script.sha256);
      answered();
      if (n % 2 === 0) continue;
      await client.call('code.revoke', { code: code.id });
      kept.revoked.add(code.id);
      answered();
    }
  } catch (error) {
    if (!(error instanceof BorealisError) || error.code !== 'ENGINE_UNREACHABLE') throw error;
  }
};
