/** Real files: what an agent that was killed leaves to the next one. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Whereabouts } from '../../../src/agent/bastion/whereabouts.ts';
import { generateKeyPair } from '../../../src/wg/keys.ts';
import type { ObservedPeer } from '../../../src/wg/types.ts';

const NOW = 1_790_000_000_000;
const [KEY, OTHER] = [generateKeyPair().publicKey, generateKeyPair().publicKey];
const SOON = { timeout: 20_000 };

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'borealis-whereabouts-'));
  path = join(directory, 'clients.json');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const make = () => new Whereabouts(path, pino({ level: 'silent' }));
const peer = (endpoint: string, handshake = NOW): ObservedPeer =>
  ({ publicKey: KEY, endpoint, lastHandshake: handshake / 1_000 }) as ObservedPeer;
const next = async () => {
  const whereabouts = make();
  await whereabouts.open();
  return whereabouts.of([KEY, OTHER]);
};

test('what was seen and what was told is on disk soon, for whoever comes after one that was killed', async () => {
  const whereabouts = make();
  whereabouts.saw([peer('192.0.2.1:40000')], NOW);
  whereabouts.learn([[OTHER, '192.0.2.2:40000']], NOW);
  const all = new Map([
    [KEY, '192.0.2.1:40000'],
    [OTHER, '192.0.2.2:40000'],
  ]);
  await vi.waitFor(async () => expect(await next()).toEqual(all), SOON);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  whereabouts.saw([peer('192.0.2.9:40000')], NOW);
  await vi.waitFor(async () => expect((await next()).get(KEY)).toBe('192.0.2.9:40000'), SOON);
  await whereabouts.close();
});

test('another handshake from the same place is not written each time, and keeps it from being forgotten', async () => {
  const whereabouts = make();
  const place = '192.0.2.1:40000';
  whereabouts.saw([peer(place)], NOW);
  await whereabouts.keep();
  const before = readFileSync(path, 'utf8');
  whereabouts.saw([peer(place, NOW + 120_000)], NOW + 120_000);
  await whereabouts.keep();
  expect(readFileSync(path, 'utf8')).toBe(before);
  for (let minutes = 2; minutes < 180; minutes += 2)
    whereabouts.saw([peer(place, NOW + minutes * 60_000)], NOW + minutes * 60_000);
  expect(whereabouts.of([KEY]).get(KEY)).toBe(place);
  // It is gone, and was last heard three hours after it came.
  whereabouts.saw([], NOW + 4 * 3_600_000);
  expect(whereabouts.of([KEY]).size).toBe(0);
  await whereabouts.close();
});

test('nothing is written after its end', async () => {
  const whereabouts = make();
  whereabouts.saw([peer('192.0.2.1:40000')], NOW);
  await whereabouts.keep();
  rmSync(path);
  whereabouts.saw([peer('192.0.2.9:40000')], NOW);
  await whereabouts.close();
  await whereabouts.keep();
  expect(await next()).toEqual(new Map());
});
