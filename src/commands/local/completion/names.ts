/** The names and ids of things, for completion: each with what tells it from the others. */
import type { Client } from '../../../client/client.ts';
import { EVENT_TYPES } from '../../shown/event.ts';
import type { Kind } from './kinds.ts';

export interface Offered {
  readonly word: string;
  readonly note: string;
}

/** More than these nobody reads at a prompt. */
const MOST = 100;
const UNFINISHED = ['queued', 'running'];

export interface Question {
  /** What the word begins with. */
  readonly prefix: string;
  /** The arguments before it, by name. */
  readonly before: Readonly<Record<string, string>>;
  /** `job cancel`: of a job, only those that it can be done to. */
  readonly command: string;
}

/** Those that begin with the prefix, in the order in which lists have them. Errors: as the list's operation. */
export const offeredNames = async (client: Client, kind: Kind, question: Question): Promise<Offered[]> =>
  (await lists[kind](client, question)).filter(({ word }) => word.startsWith(question.prefix));

/** As flags take them: the words that these things have, each once. */
const each = (words: Iterable<string | null>): Offered[] =>
  [...new Set(words)].flatMap((word) => (word === null ? [] : [{ word, note: '' }])).sort(byWord);
const byWord = (a: Offered, b: Offered): number => (a.word < b.word ? -1 : 1);
const devices = (count: number): string => `${count} ${count === 1 ? 'device' : 'devices'}`;
const groups = async (client: Client, of: 'site' | 'tag', prefix: string): Promise<Offered[]> =>
  (await client.call('device.groups', { of, prefix, limit: MOST })).map(({ name, devices: count }) => ({
    word: name,
    note: devices(count),
  }));

const lists: Readonly<Record<Kind, (client: Client, question: Question) => Promise<Offered[]>>> = {
  approval: async (client) =>
    (await client.call('approval.list', {})).map(({ id, hostname, address }) => ({
      word: id,
      note: `${hostname}, ${address}`,
    })),
  code: async (client) =>
    (await client.call('code.list', {})).map(({ id, site, uses_left }) => ({
      word: id,
      note: [`${uses_left} left`, ...(site === null ? [] : [site])].join(', '),
    })),
  connection: async (client, { before: { vpn = '' } }) =>
    (await client.call('connection.list', { vpn })).map(({ name, address }) => ({
      word: name,
      note: address,
    })),
  device: async (client, { prefix }) =>
    (await client.call('device.names', { prefix })).map((word) => ({ word, note: '' })),
  event: async () => each(EVENT_TYPES.flatMap((type) => [type, type.split('.', 1)[0]!])),
  job: async (client, { command }) =>
    (await client.all('job.list', {}, { most: MOST }))
      .filter(({ state }) => command !== 'job cancel' || UNFINISHED.includes(state))
      .map(({ id, title, state }) => ({ word: id, note: `${state}: ${title}` })),
  label: async (client) =>
    each(
      (await client.call('vpn.list', {})).flatMap(({ labels }) =>
        Object.entries(labels).map(([key, value]) => `${key}=${value}`),
      ),
    ),
  place: async (client, { prefix }) =>
    (await client.call('device.names', { prefix })).map((name) => ({ word: `${name}:`, note: '' })),
  project: async (client) => {
    const [vpns, users] = await Promise.all([client.call('vpn.list', {}), client.call('user.list', {})]);
    return each([...vpns, ...users].map(({ project }) => project));
  },
  script: async (client) =>
    (await client.call('script.list', {})).map(({ name, language, description }) => ({
      word: name,
      note: description ?? language,
    })),
  session: async (client) =>
    (await client.call('session.list', { limit: MOST })).map(({ id, device, user, started_at }) => ({
      word: id,
      note: `${device}, ${user}, ${started_at}`,
    })),
  setting: async (client) =>
    (await client.call('config.show', {})).map(({ key, summary }) => ({ word: key, note: summary })),
  shell: async (client) =>
    (await client.call('shell.list', {})).map(({ id, device, user }) => ({
      word: id,
      note: `${device}, ${user}`,
    })),
  site: (client, { prefix }) => groups(client, 'site', prefix),
  tag: (client, { prefix }) => groups(client, 'tag', prefix),
  vpn: async (client) =>
    (await client.call('vpn.list', {})).map(({ name, endpoint }) => ({ word: name, note: endpoint })),
  who: async (client) =>
    (await client.call('user.list', {})).map(({ who, role }) => ({ word: who, note: role })),
};
